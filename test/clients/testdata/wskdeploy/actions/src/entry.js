function other () {
  return { entry: 'other' }
}
