// ---- The Swift launcher follows: one line of JSON in on stdin, one line out on fd 3 (see
// internal/protocol). Everything that it declares begins with ow. OpenWhisk 3.6, 3.8.4.

import Foundation

private func owWrite(_ data: Data) {
    var rest = data[...]
    while !rest.isEmpty {
        let n = rest.withUnsafeBytes { write(owAnswers, $0.baseAddress, $0.count) }
        if n <= 0 { exit(1) } // nobody can hear an answer any more
        rest = rest.dropFirst(n)
    }
}

private func owFailure(_ message: String) -> Data {
    FileHandle.standardError.write((message + "\n").data(using: .utf8)!)
    let body = try? JSONSerialization.data(withJSONObject: ["error": message])
    return body ?? "{\"error\":\"unknown\"}".data(using: .utf8)!
}

// owEncode is for results that are made of dictionaries, arrays and what JSON has else. The platform
// refuses what is neither a dictionary nor an array.
private func owEncode(_ result: Any) -> Data {
    guard JSONSerialization.isValidJSONObject([result]) else {
        return owFailure("Error serializing: JSON has no \(type(of: result))")
    }
    do {
        return try JSONSerialization.data(withJSONObject: [result]).dropFirst().dropLast()
    } catch {
        return owFailure("Error serializing: \(error.localizedDescription)")
    }
}

private func owWait<Out: Encodable>(_ start: (@escaping (Out?, Error?) -> Void) throws -> Void) -> Data {
    let done = DispatchSemaphore(value: 0)
    var answer = Data()
    do {
        try start { (result: Out?, error: Error?) in
            defer { done.signal() }
            if let error = error {
                answer = owFailure(error.localizedDescription)
                return
            }
            do {
                answer = try JSONEncoder().encode(result)
            } catch {
                answer = owFailure("JSONEncoder failed to encode the result: \(error)")
            }
        }
    } catch {
        return owFailure(error.localizedDescription)
    }
    done.wait()
    return answer
}

// ---- The forms of an entry point; the compiler chooses.

private func owCall(_ entry: ([String: Any]) -> [String: Any], _ value: Data) -> Data {
    guard let parsed = try? JSONSerialization.jsonObject(with: value), let args = parsed as? [String: Any] else {
        return owFailure("Error: the arguments are no dictionary")
    }
    return owEncode(entry(args))
}

private func owCall(_ entry: (Any) -> Any, _ value: Data) -> Data {
    guard let parsed = try? JSONSerialization.jsonObject(with: value) else {
        return owFailure("Error: the arguments are no JSON")
    }
    return owEncode(entry(parsed))
}

private func owCall<In: Decodable, Out: Encodable>(_ entry: (In, @escaping (Out?, Error?) -> Void) -> Void, _ value: Data) -> Data {
    do {
        let args = try JSONDecoder().decode(In.self, from: value)
        return owWait { entry(args, $0) }
    } catch {
        return owFailure("JSONDecoder failed to decode the arguments: \(error)")
    }
}

private func owCall<Out: Encodable>(_ entry: (@escaping (Out?, Error?) -> Void) -> Void, _ value: Data) -> Data {
    return owWait { entry($0) }
}

// ---- The loop.

private func owText(_ value: Any) -> String {
    if let text = value as? String { return text }
    if let data = try? JSONSerialization.data(withJSONObject: [value]), let text = String(data: data, encoding: .utf8) {
        return String(text.dropFirst().dropLast()) // of the array, which every version can encode
    }
    return ""
}

// Variables of the last run as they were without it; nil for one that was not set.
private var owBefore = [String: String?]()

// owExport sets the variables of a run. What only an earlier one has had is what it was before.
private func owExport(_ body: [String: Any]) {
    var now = [String: String?]()
    for (key, member) in body {
        let name = "__OW_" + key.uppercased()
        if let known = owBefore.removeValue(forKey: name) {
            now.updateValue(known, forKey: name)
        } else {
            now.updateValue(getenv(name).map { String(cString: $0) }, forKey: name)
        }
        setenv(name, owText(member), 1)
    }
    for (name, old) in owBefore {
        if let old = old { setenv(name, old, 1) } else { unsetenv(name) }
    }
    owBefore = now
}

private func owRun(_ line: String) -> Data {
    guard let data = line.data(using: .utf8), let parsed = try? JSONSerialization.jsonObject(with: data),
          var body = parsed as? [String: Any] else {
        return owFailure("Error unmarshaling request")
    }
    var value = body.removeValue(forKey: "value") ?? [String: Any]()
    if value is NSNull { value = [String: Any]() }
    owExport(body)
    guard let args = try? JSONSerialization.data(withJSONObject: value) else {
        return owFailure("Error: the arguments are no dictionary or array")
    }
    return owCall(ENTRYPOINT, args)
}

// Both ends move to where neither the action nor its children see them.
private let owAnswers = fcntl(3, F_DUPFD_CLOEXEC, 10)
private let owRequests = fdopen(fcntl(0, F_DUPFD_CLOEXEC, 10), "r")
close(3)
dup2(open("/dev/null", O_RDONLY), 0)

if let ack = getenv("__OW_WAIT_FOR_ACK"), ack.pointee != 0 {
    owWrite("{\"ok\":true}\n".data(using: .utf8)!)
}
private var owLine: UnsafeMutablePointer<CChar>?
private var owSize = 0
while getline(&owLine, &owSize, owRequests) > 0 {
    var owAnswer = owRun(String(cString: owLine!))
    owAnswer.append(10)
    fflush(stdout)
    fflush(stderr)
    owWrite(owAnswer)
}
