def total(args):
    return {"total": sum(args.get("items", []))}
