//! A bug in a handler: one answer with 500, and the server lives.

use axum::{Router, routing::get};
use clap::Parser;
use mcp_auth::{
    config::Cli,
    server::{AppService, serve},
};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_panic_is_one_500_with_the_id_of_its_request() {
    let app = Router::new()
        .route("/good", get(async || "fine"))
        .route("/bad", get(async || panic!("a bug, made on purpose") as &'static str))
        .route(
            "/late",
            get(async || {
                tokio::task::yield_now().await;
                panic!("a later bug, made on purpose") as &'static str
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = AppService::new(app, &Cli::parse_from(["test"]).limits, None);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, service, async { stopped.await.unwrap() }));

    let client = crate::support::client();
    for (path, status, body) in [
        ("/good", 200, "fine"),
        ("/bad", 500, r#"{"detail":"Internal Server Error","request_id":"mine"}"#),
        ("/late", 500, r#"{"detail":"Internal Server Error","request_id":"mine"}"#),
        ("/good", 200, "fine"),
    ] {
        let request = client.get(format!("{url}{path}")).header("x-request-id", "mine");
        let answer = request.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-request-id"]),
            (status, &"mine".parse().unwrap())
        );
        assert_eq!(answer.text().await.unwrap(), body);
    }
    stop.send(()).unwrap();
    server.await.unwrap();
}
