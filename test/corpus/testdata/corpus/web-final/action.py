def main(args):
    return {'fixed': args['fixed'], 'open': args['open']}
