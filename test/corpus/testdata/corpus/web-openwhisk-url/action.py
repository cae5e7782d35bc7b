def main(args):
    return {'headers': {'Content-Type': 'text/plain'}, 'body': ' '.join(args[k] for k in ['__ow_method', '__ow_path', 'a'])}
