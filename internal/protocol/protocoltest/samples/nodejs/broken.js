function main(args) { return
