import Foundation

let seen = ProcessInfo.processInfo.environment["K"]
let empty = ProcessInfo.processInfo.environment["EMPTY"]
print("loading")

func main(args: Any) -> Any {
    guard let members = args as? [String: Any], let what = members["do"] as? String else { return args }
    switch what {
    case "print":
        print("hello stdout")
        FileHandle.standardError.write("hello stderr\n".data(using: .utf8)!)
    case "winter":
        let winter = "❄ " + (members["delimiter"] as! String) + " ☃"
        print(winter)
        return ["winter": winter]
    case "env":
        var env = [String: Any]()
        for (key, value) in ProcessInfo.processInfo.environment where key.hasPrefix("__OW_") {
            env[key.dropFirst(5).lowercased()] = value
        }
        return env
    case "start":
        return ["seen": seen ?? "unset", "empty": empty ?? "unset"]
    case "answer":
        return members["answer"]!
    case "text":
        return "text"
    case "exit":
        exit(1)
    default:
        break
    }
    return args
}
