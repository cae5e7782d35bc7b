def main(args):
    return {'error': 'n is negative'} if args['n'] < 0 else args
