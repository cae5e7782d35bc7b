use serde_json::{json, Value};
use std::env;
use std::process;

#[used]
#[link_section = ".init_array"]
static AT_LOAD: extern "C" fn() = loading;

extern "C" fn loading() {
    println!("loading");
}

pub fn main(args: Value) -> Result<Value, String> {
    match args["do"].as_str().unwrap_or("") {
        "print" => {
            println!("hello stdout");
            eprintln!("hello stderr");
        }
        "winter" => {
            let winter = format!("❄ {} ☃", args["delimiter"].as_str().unwrap_or(""));
            println!("{}", winter);
            return Ok(json!({ "winter": winter }));
        }
        "env" => {
            let ours = env::vars().filter(|(k, _)| k.starts_with("__OW_"));
            return Ok(ours.map(|(k, v)| (k[5..].to_lowercase(), Value::String(v))).collect());
        }
        "start" => return Ok(json!({ "seen": env::var("K").ok(), "empty": env::var("EMPTY").ok() })),
        "answer" => return Ok(args["answer"].clone()),
        "text" => return Ok(json!("text")),
        "throw" => return Err("wrong".to_string()),
        "exit" => process::exit(1),
        _ => {}
    }
    Ok(args)
}
