def main(args):
    return {'greeting': 'Hello from the corpus'}
