def main(args):
    return args['answer']
