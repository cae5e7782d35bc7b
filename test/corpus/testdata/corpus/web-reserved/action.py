def main(args):
    return {'other': args.get('__ow_other')}
