def main(args):
    return {'statusCode': 200, 'headers': {'Content-Type': 'application/json'}, 'body': {'a': args['a'], 'b': args.get('b')}}
