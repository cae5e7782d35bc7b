def main(args):
    return {'statusCode': 302, 'headers': {'location': 'https://openwhisk.apache.org/'}}
