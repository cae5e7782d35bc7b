def main(args):
    headers = args.pop('__ow_headers')
    return {'body': {**args, 'type': headers.get('content-type')}}
