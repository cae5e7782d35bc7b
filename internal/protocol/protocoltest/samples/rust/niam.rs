use serde_json::{json, Error, Value};

pub fn niam(_: Value) -> Result<Value, Error> {
    Ok(json!({ "niam": true }))
}
