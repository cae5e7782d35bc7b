func niam(args: [String: Any]) -> [String: Any] {
    return ["niam": true]
}
