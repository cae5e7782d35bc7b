use serde_json::{json, Map, Value};

pub fn main(mut args: Map<String, Value>) -> Result<Value, String> {
    let mut text = |key: &str, other: &str| match args.remove(key) {
        Some(Value::String(given)) => given,
        _ => other.to_string(),
    };
    let greeting = format!("{} of {}", text("name", "nobody"), text("place", "nowhere"));
    Ok(json!({ "greeting": greeting, "rest": args }))
}
