//! Event streams: time limits, other event types, invalid messages.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::Frame;

use super::{
    mock::{Hit, Mock},
    run::{Run, headless},
    session::{legacy, method, open},
};

/// A stream that says this and stays open.
fn begun(text: String) -> Response {
    struct Begun(Option<Bytes>);
    impl HttpBody for Begun {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
        }
    }
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::new(Begun(Some(text.into()))))
        .into_response()
}

fn stream(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

/// Runs a call against a server of the session era whose answer to it is `answer`.
async fn call(answer: fn(&Hit) -> Response, flags: &[&str]) -> (Mock, Run) {
    let mock = open(move |hit| match method(hit) {
        "server/discover" => StatusCode::BAD_REQUEST.into_response(),
        "" if hit.json.get("result").is_some() => {
            // Our answer to a question is taken slowly.
            thread::sleep(Duration::from_millis(100));
            StatusCode::ACCEPTED.into_response()
        }
        "tools/call" => answer(hit),
        _ => legacy(hit),
    })
    .await;
    let run = headless(&mock, &[&["--call", "t={}"], flags].concat()).await;
    (mock, run)
}

#[tokio::test]
async fn the_time_limit_covers_the_whole_request() {
    type Slow = (&'static str, fn(&Hit) -> Response);
    let slow: [Slow; 3] = [
        ("questions without end", |_| {
            begun("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n".repeat(200))
        }),
        ("a long wait before going on", |_| stream("id: 1\nretry: 86400000\n\n".to_owned())),
        ("silence", |_| begun(": hi\n\n".to_owned())),
    ];
    for (name, answer) in slow {
        let (mock, run) = call(answer, &["--timeout", "2"]).await;
        assert_eq!(run.code, Some(1), "{name}: {}", run.progress);
        run.failed("within 2 s");
        assert!(mock.count("/mcp") < 200, "{name}: not all questions are answered");
    }
}

#[tokio::test]
async fn events_of_other_types_are_skipped() {
    let answer: fn(&Hit) -> Response = |hit| {
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[]}}}}"#, hit.json["id"]);
        stream(format!(
            "event: ping\ndata: now\n\nevent: endpoint\ndata: /x\n\nevent: message\ndata: {message}\n\n"
        ))
    };
    call(answer, &[]).await.1.succeeded();
    let broken: fn(&Hit) -> Response =
        |_| stream("event: ping\ndata: now\n\nevent\ndata: x\n\n".to_owned());
    call(broken, &[]).await.1.failed("is not a JSON-RPC message");
}
