def niam(args):
    return {'niam': True}
