import os

NAME, PLACE = os.environ['NAME'], os.environ['PLACE']


def main(args):
    return {'greeting': f'{NAME} of {PLACE}'}
