//! `tools/call echo` as a first version of a server has it: axum reads JSON, a `match` finds the method and the tool,
//! axum writes JSON. No checks, no limits, no log.

use axum::{Json, Router, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

/// `POST /mcp`
pub fn app() -> Router {
    Router::new().route("/mcp", post(call))
}

#[derive(Deserialize)]
struct Request {
    id: Value,
    method: String,
    #[serde(default)]
    params: Value,
}

async fn call(Json(Request { id, method, params }): Json<Request>) -> Json<Value> {
    let answer = match (method.as_str(), params["name"].as_str()) {
        ("tools/call", Some("echo")) => {
            let text = &params["arguments"]["message"];
            json!({
                "jsonrpc": "2.0",
                "id": id,
                "result": {
                    "content": [{"type": "text", "text": text}],
                    "structuredContent": {"text": text},
                    "isError": false,
                },
            })
        }
        _ => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})
        }
    };
    Json(answer)
}
