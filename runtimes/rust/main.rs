// The Rust launcher: it turns an action's entry point into an ActionLoop program, one line of JSON
// in on stdin, one line out on fd 3 (see internal/protocol). OpenWhisk 3.6, 3.8.4.

use serde::{de::DeserializeOwned, Serialize};
use serde_json::{json, Map, Value};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::io::{AsRawFd, FromRawFd};

const ANSWERS: i32 = 3;

extern "C" {
    fn dup2(from: i32, to: i32) -> i32;
}

fn main() -> io::Result<()> {
    let (mut requests, mut answers) = descriptors()?;
    if std::env::var_os("__OW_WAIT_FOR_ACK").map_or(false, |v| !v.is_empty()) {
        answers.write_all(b"{\"ok\":true}\n")?;
    }
    let mut line = Vec::new();
    let mut before = Before::new();
    while requests.read_until(b'\n', &mut line)? > 0 {
        let mut answer = run(&line, &mut before);
        answer.push(b'\n');
        io::stdout().flush()?;
        answers.write_all(&answer)?;
        line.clear();
    }
    Ok(())
}

// descriptors takes both ends of the protocol to where neither the action nor its children see them.
fn descriptors() -> io::Result<(BufReader<File>, File)> {
    // Both are open: whoever starts a launcher opens them, and nothing else here owns them.
    let (stdin, given) = unsafe { (File::from_raw_fd(0), File::from_raw_fd(ANSWERS)) };
    let (requests, answers) = (stdin.try_clone()?, given.try_clone()?);
    let nothing = File::open("/dev/null")?;
    if unsafe { dup2(nothing.as_raw_fd(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    std::mem::forget(stdin); // it is /dev/null now, and stays open
    Ok((BufReader::with_capacity(1 << 16, requests), answers))
}

// Before has the variables of the last run as they were without it.
type Before = HashMap<String, Option<OsString>>;

// export sets the variables of a run. What only an earlier one has had is what it was before.
fn export(body: Map<String, Value>, before: &mut Before) {
    let mut now = Before::new();
    for (key, value) in body {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if !text.contains('\0') {
            let name = format!("__OW_{}", key.to_uppercase());
            let old = before.remove(&name).unwrap_or_else(|| std::env::var_os(&name));
            std::env::set_var(&name, text);
            now.insert(name, old);
        }
    }
    for (name, old) in before.drain() {
        match old {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
    *before = now;
}

fn run(line: &[u8], before: &mut Before) -> Vec<u8> {
    let mut body: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(body) => body,
        Err(e) => return failure(e),
    };
    let value = match body.remove("value") {
        None | Some(Value::Null) => json!({}),
        Some(value) => value,
    };
    export(body, before);
    call(action::ENTRYPOINT, value)
}

// call accepts every entry point from one value that JSON has to a Result of one. A panic ends the
// program, as it does in any Rust program.
fn call<A: DeserializeOwned, R: Serialize, E: Display>(
    entry: impl FnOnce(A) -> Result<R, E>,
    value: Value,
) -> Vec<u8> {
    let arguments = match serde_json::from_value(value) {
        Ok(arguments) => arguments,
        Err(e) => return failure(e),
    };
    match entry(arguments) {
        Ok(result) => serde_json::to_vec(&result).unwrap_or_else(failure),
        Err(e) => failure(e),
    }
}

fn failure<E: Display>(e: E) -> Vec<u8> {
    eprintln!("{}", e);
    json!({ "error": e.to_string() }).to_string().into_bytes()
}
