//! How large a result may be.

use serde_json::json;

use super::{Era, token};
use crate::support::Server;

#[tokio::test]
async fn a_result_beyond_the_limit_is_an_error_that_names_the_setting() {
    let server = Server::start_with("step9", ["--max-result-size", "2000"]);
    let alice = token(&server, "alice");
    for (length, fits) in [(50, true), (2000, false)] {
        let arguments = json!({"message": "x".repeat(length), "repeat_count": 1});
        let params = json!({"name": "echo", "arguments": arguments});
        for era in Era::BOTH {
            let answer = era.ask(&server, &alice, "tools/call", params.clone()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            if fits {
                assert_eq!(answer.result()["isError"], false);
                continue;
            }
            let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
            assert_eq!(answer.error().0, -32603);
            assert!(message.contains("--max-result-size"), "{message}");
        }
    }
}
