//! Requests as tests write them, and answers as tests read them.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{schema::Expectation, server::Server};

/// No proxies, no redirects, and no wait for certificates of the system.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client")
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header, empty when it is not there. There must not be two.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().expect("text"));
        // One challenge for each scheme (RFC 9110, 11.6.1), Bearer first.
        let may_repeat = name == "www-authenticate";
        assert!(may_repeat || values.next().is_none(), "{name} twice: {self:?}");
        value
    }

    /// The member `result` of a JSON-RPC answer with status 200.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let body = self.json();
        assert_eq!((self.status, body.get("error")), (200, None), "{self:?}");
        body["result"].clone()
    }

    /// The code and the message of a JSON-RPC error.
    #[track_caller]
    pub(crate) fn error(&self) -> (i64, String) {
        let error = &self.json()["error"];
        let code = error["code"].as_i64().unwrap_or_else(|| panic!("no error: {self:?}"));
        (code, error["message"].as_str().expect("a message").to_owned())
    }

    /// The member `detail` of an answer outside of JSON-RPC.
    #[track_caller]
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_else(|| panic!("no detail: {self:?}")).to_owned()
    }
}

/// `request.answer().await`
pub(crate) trait Ask {
    /// Sends the request and reads the whole answer; a JSON-RPC message must be one of its revision's.
    async fn answer(self) -> Answer;
}

impl Ask for reqwest::RequestBuilder {
    async fn answer(self) -> Answer {
        let expected = Expectation::of(&self);
        let response = self.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.expect("a whole body");
        let answer = Answer { status, headers, body };
        if let Some(expected) = expected {
            expected.check(&answer);
        }
        answer
    }
}

impl Server {
    /// `GET`
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).answer().await
    }

    /// Where it publishes its numbers, when it was started with `--metrics-port 0`.
    pub(crate) fn metrics_url(&self) -> String {
        const LINE: &str = "metrics: ";
        self.wait_for_log(LINE);
        let log = self.log();
        log.lines().find_map(|line| line.strip_prefix(LINE)).expect("a line").to_owned()
    }

    /// Its numbers, as Prometheus reads them.
    pub(crate) async fn numbers(&self) -> Answer {
        client().get(self.metrics_url()).answer().await
    }

    /// `POST /mcp` with a JSON body, as clients send it; no `Authorization` when `token` is empty.
    pub(crate) fn mcp(&self, token: &str, body: impl Into<String>) -> reqwest::RequestBuilder {
        let request = self
            .request("POST", "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.into());
        super::note(token);
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// A JSON-RPC request with the id 1; without `params` when these are null.
    pub(crate) async fn rpc(&self, token: &str, method: &str, params: Value) -> Answer {
        self.mcp(token, message(method, params)).answer().await
    }

    /// Bytes as they are, on a connection of their own, and everything that comes back.
    pub(crate) fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes.as_ref());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A JSON-RPC request with the id 1; without `params` when these are null.
pub(crate) fn message(method: &str, params: Value) -> String {
    let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": method});
    if !params.is_null() {
        message["params"] = params;
    }
    message.to_string()
}
