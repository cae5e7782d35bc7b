func main(args: Any) -> {
