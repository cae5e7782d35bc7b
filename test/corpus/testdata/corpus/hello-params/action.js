function main({name = 'nobody', place = 'nowhere', ...rest}) {
  return {greeting: `${name} of ${place}`, rest};
}
