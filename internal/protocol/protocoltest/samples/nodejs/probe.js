const seen = process.env.K, empty = process.env.EMPTY;
console.log('loading');

function main(args) {
  switch (args.do) {
  case 'print':
    console.log('hello stdout');
    console.error('hello stderr');
    break;
  case 'winter': {
    const winter = '❄ ' + args.delimiter + ' ☃';
    console.log(winter);
    return {winter};
  }
  case 'env': {
    const env = {};
    for (const [key, value] of Object.entries(process.env)) {
      if (key.startsWith('__OW_')) env[key.slice(5).toLowerCase()] = value;
    }
    return env;
  }
  case 'start': return {seen, empty};
  case 'answer': return args.answer;
  case 'text': return 'text';
  case 'nothing': return undefined;
  case 'throw': throw new Error('wrong');
  case 'reject': return Promise.reject({message: 'wrong'});
  case 'exit': process.exit(1);
  }
  return args;
}
