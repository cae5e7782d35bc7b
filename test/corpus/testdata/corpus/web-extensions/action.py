def main(args):
    return {'body': '<b>corpus</b>', 'html': '<i>not this</i>', 'text': 'nor this'}
