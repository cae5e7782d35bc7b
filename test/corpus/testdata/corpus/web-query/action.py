def main(args):
    return {k: v for k, v in sorted(args.items()) if not k.startswith('__ow_')}
