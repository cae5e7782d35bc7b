def main(args):
    name, place = args.pop('name', 'nobody'), args.pop('place', 'nowhere')
    return {'greeting': f'{name} of {place}', 'rest': args}
