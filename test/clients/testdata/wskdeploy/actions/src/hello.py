def main(args):
    return {"greeting": "Hello from Python", "package": args["everywhere"]}
