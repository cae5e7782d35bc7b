def main(args):
    return {'body': f"<h1>Hello, {args['name']}</h1>"}
