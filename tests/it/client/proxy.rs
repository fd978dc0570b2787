//! A proxy of the environment resolves host names itself, so it is used only if the user trusts it.

use std::{future::pending, sync::Arc};

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Mutex,
};

use super::{
    hostile::RESOURCE,
    mock::{Facts, Hit, Mock, ok},
    run::{Home, Run, finish},
};

/// A proxy that records the first line of each request and connects to nothing.
struct Proxy {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let recorded = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                let _ = stream.read_line(&mut line).await;
                recorded.lock().await.push(line.trim_end().to_owned());
                let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(refusal).await;
            }
            pending::<()>().await;
        });
        Self { url, requests }
    }

    async fn run(&self, variable: &str, arguments: &[&str]) -> Run {
        let mut program = Home::new().program(["--headless"].iter().chain(arguments));
        for other in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            program.env_remove(other).env_remove(other.to_lowercase());
        }
        program.env(variable, &self.url).env("NO_PROXY", "no-proxy.invalid");
        finish(program.spawn().expect("step11 starts")).await
    }
}

#[tokio::test]
async fn a_proxy_is_used_only_if_the_user_trusts_it() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = Proxy::start().await;
        let run = proxy.run(variable, &["https://mcp.invalid/mcp"]).await;
        run.failed("https://mcp.invalid/mcp would be requested through a proxy");
        run.failed("pass --trust-proxy");
        assert!(proxy.requests.lock().await.is_empty(), "{variable}");

        proxy
            .run(variable, &["--trust-proxy", "https://mcp.invalid/mcp"])
            .await
            .failed("no response");
        assert_eq!(*proxy.requests.lock().await, ["CONNECT mcp.invalid:443 HTTP/1.1"]);
    }
}

#[tokio::test]
async fn a_proxy_is_not_used_for_this_machine_and_the_hosts_of_no_proxy() {
    let proxy = Proxy::start().await;
    for url in ["https://127.0.0.1:1/mcp", "https://[::1]:1/mcp", "https://no-proxy.invalid/mcp"] {
        proxy.run("ALL_PROXY", &[url]).await.failed("no response");
    }
    assert!(proxy.requests.lock().await.is_empty());
}

#[tokio::test]
async fn a_server_on_this_machine_is_reached_without_the_proxy_and_names_others_behind_it() {
    let mock = Mock::start(|hit: &Hit, facts: &Facts| match hit.path.as_str() {
        RESOURCE => {
            let servers = json!(["https://as.invalid"]);
            Some(ok(
                json!({"resource": format!("{}/mcp", facts.url), "authorization_servers": servers}),
            ))
        }
        "/mcp" => {
            let challenge = [(header::WWW_AUTHENTICATE, facts.challenge())];
            Some((StatusCode::UNAUTHORIZED, challenge).into_response())
        }
        _ => None,
    })
    .await;
    let proxy = Proxy::start().await;
    proxy.run("ALL_PROXY", &[&mock.mcp()]).await.failed("no response from https://as.invalid");
    assert_eq!(*proxy.requests.lock().await, ["CONNECT as.invalid:443 HTTP/1.1"]);
}
