//! What every step has in common: it starts, says where, and answers for what it does not serve.

use super::support::{Ask, Server};

const STEPS: [&str; 8] = ["step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8"];

#[tokio::test]
async fn every_step_is_healthy_whoever_asks() {
    for step in STEPS {
        let server = Server::start(step);
        let request = server.request("GET", "/health").header("origin", "https://evil.example.com");
        let answer = request.answer().await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &"healthy".into()), "{step}");
        assert_eq!(answer.header("content-type"), "application/json", "{step}");
    }
}
