import os
import sys

seen, empty = os.environ.get('K'), os.environ.get('EMPTY')
print('loading')


def main(args):
    do = args.get('do') if isinstance(args, dict) else None
    if do == 'print':
        print('hello stdout')
        print('hello stderr', file=sys.stderr)
    elif do == 'winter':
        winter = '❄ ' + args['delimiter'] + ' ☃'
        print(winter)
        return {'winter': winter}
    elif do == 'env':
        return {k[5:].lower(): v for k, v in os.environ.items() if k.startswith('__OW_')}
    elif do == 'start':
        return {'seen': seen, 'empty': empty}
    elif do == 'answer':
        return args['answer']
    elif do == 'text':
        return 'text'
    elif do == 'throw':
        raise Exception('wrong')
    elif do == 'exit':
        os._exit(1)
    return args
