from shout import shout


def main(args):
    return {'text': shout(args['text'])}
