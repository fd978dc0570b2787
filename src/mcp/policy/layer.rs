//! A [`Policy`] in front of any MCP server that speaks Streamable HTTP, such as one made with the official SDK.
//!
//! The layer reads the JSON-RPC message of each `POST` before the server does, and applies the policy to its `method`,
//! and for `tools/call` to the tool's name. It belongs inside
//! [`BearerAuth`](crate::auth::bearer::BearerAuth), which provides the caller and adds the challenge to a 403.
//!
//! Specs: MCP 2025-11-25 transports, "Sending Messages to the Server" (one message per `POST`), and authorization,
//! "Scope Challenge Handling"; RFC 6750 section 3.1 (`insufficient_scope`).
//!
//! ```
//! use mcp_auth::mcp::policy::{Policy, layer::PolicyLayer};
//!
//! let layer = PolicyLayer::new(
//!     Policy::new().allow_authenticated(["initialize", "tools/list", "tools/call"]),
//! )
//! .tools(
//!     Policy::new()
//!         .allow_authenticated(["whoami"])
//!         .require_any_scope("add", ["mcp:tools"], "tool execution"),
//! );
//! ```

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, Method, Request, Response, StatusCode},
    response::IntoResponse,
};
use http_body_util::{BodyExt, Limited};
use tower::{Layer, Service};

use crate::{
    jsonrpc::{DEFAULT_MAX_DEPTH, Message, Params},
    mcp::{
        call::MethodResult,
        transport::{self, TransportError},
    },
    principal::Principal,
};

use super::Policy;

/// The largest accepted body, in bytes, unless [`PolicyLayer::max_body_size`] sets another limit.
pub const DEFAULT_MAX_BODY_SIZE: usize = 1024 * 1024;

/// Applies a [`Policy`] to the messages that an MCP server receives. A method or tool without a rule is refused.
///
/// `GET` and `DELETE` pass: they carry no message. So do responses, and notifications of the protocol
/// (`notifications/…`), which have no result.
#[derive(Debug, Clone)]
pub struct PolicyLayer(Arc<Rules>);

#[derive(Debug, Clone)]
struct Rules {
    methods: Policy,
    tools: Option<Policy>,
    max_body_size: usize,
}

impl PolicyLayer {
    /// Applies `methods` to the `method` of each request.
    pub fn new(methods: Policy) -> Self {
        Self(Arc::new(Rules { methods, tools: None, max_body_size: DEFAULT_MAX_BODY_SIZE }))
    }

    /// Applies `tools` to the tool's name in `tools/call`, after the rule for the method.
    #[must_use]
    pub fn tools(mut self, tools: Policy) -> Self {
        Arc::make_mut(&mut self.0).tools = Some(tools);
        self
    }

    /// The largest accepted body, in bytes; a larger one is answered with 413.
    #[must_use]
    pub fn max_body_size(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.0).max_body_size = bytes;
        self
    }
}

impl Rules {
    /// The request with its body buffered, or the response that rejects it.
    async fn check<B>(&self, request: Request<B>) -> Result<Request<Body>, Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return Ok(Request::from_parts(parts, Body::new(body)));
        }
        let (body, message) =
            self.read(&parts.headers, body).await.map_err(IntoResponse::into_response)?;
        let caller = parts.extensions.get();
        let (id, checked) = match message {
            Message::Request(request) => {
                (Some(request.id), self.authorize(&request.method, &request.params, caller))
            }
            Message::Notification(note) if !note.method.starts_with("notifications/") => {
                (None, self.authorize(&note.method, &note.params, caller))
            }
            Message::Notification(_) | Message::Response => (None, Ok(())),
        };
        checked.map_err(|error| transport::failure(StatusCode::FORBIDDEN, id, error))?;
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    /// The body, and the one message in it: a batch, or a property that is given twice, is an error, because the server
    /// might read another value than the policy did.
    async fn read<B>(
        &self,
        headers: &HeaderMap,
        body: B,
    ) -> Result<(Bytes, Message), TransportError>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        transport::check_content_type(headers)?;
        let body =
            Limited::new(body, self.max_body_size).collect().await.map_err(axum::Error::new)?;
        let body = body.to_bytes();
        let message = Message::parse(&body, DEFAULT_MAX_DEPTH)?;
        Ok((body, message))
    }

    fn authorize(
        &self,
        method: &str,
        params: &Params,
        caller: Option<&Principal>,
    ) -> MethodResult<()> {
        self.methods.authorize(method, caller)?;
        match &self.tools {
            Some(tools) if method == "tools/call" => {
                tools.authorize(&params.text("name").unwrap_or_default(), caller)
            }
            _ => Ok(()),
        }
    }
}

impl<S> Layer<S> for PolicyLayer {
    type Service = PolicyService<S>;

    fn layer(&self, inner: S) -> PolicyService<S> {
        PolicyService { rules: self.0.clone(), inner }
    }
}

/// A service behind a [`PolicyLayer`].
#[derive(Debug, Clone)]
pub struct PolicyService<S> {
    rules: Arc<Rules>,
    inner: S,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for PolicyService<S>
where
    S: Service<Request<Body>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    RequestBody: HttpBody<Data = Bytes> + Send + 'static,
    RequestBody::Error: Into<BoxError>,
    ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    ResponseBody::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let rules = self.rules.clone();
        // The instance that is ready must be the one that is called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            match rules.check(request).await {
                Ok(request) => Ok(inner.call(request).await?.map(Body::new)),
                Err(rejection) => Ok(rejection),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::header, routing::post};
    use tower::ServiceExt;

    use crate::{principal::InsufficientScope, test_support};

    use super::*;

    fn app() -> Router {
        let methods = Policy::new().allow_authenticated(["initialize", "tools/call"]);
        let tools = Policy::new().allow_authenticated(["whoami"]).require_any_scope(
            "add",
            ["mcp:tools"],
            "tool execution",
        );
        let layer = PolicyLayer::new(methods).tools(tools).max_body_size(200);
        let server = post(|body: String| async { body }).get(|| async { "stream" });
        Router::new().route("/mcp", server).layer(layer)
    }

    async fn send(body: &str, scopes: &str) -> Response<Body> {
        let mut request = Request::post("/mcp")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        request.extensions_mut().insert(test_support::principal("alice", scopes, &[]));
        app().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_message_reaches_the_server_only_if_a_rule_allows_it() {
        let call = |name: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":{name}}}}}"#
            )
        };
        let [whoami, add, drop] = [r#""whoami""#, r#""add""#, r#""drop""#].map(call);
        let twice = call(r#""whoami","name":"add""#);
        let long = call(&format!(r#""whoami","arguments":{{"text":"{}"}}"#, "x".repeat(200)));
        for (what, body, scopes, status) in [
            ("a method with a rule", r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, "", 200),
            (
                "a method without",
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
                "mcp:tools",
                403,
            ),
            ("a tool for every caller", &whoami, "", 200),
            ("a tool whose scope is held", &add, "mcp:tools", 200),
            ("a tool whose scope is missing", &add, "mcp:read", 403),
            ("a tool without a rule", &drop, "mcp:tools", 403),
            ("no tool", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "mcp:tools", 403),
            ("a name that is no text", &call("7"), "mcp:tools", 403),
            ("two names", &twice, "mcp:tools", 400),
            ("an escaped second name", &call(r#""whoami","n\u0061me":"add""#), "mcp:tools", 400),
            (
                "two methods",
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","method":"tools/list"}"#,
                "",
                400,
            ),
            ("a batch", &format!("[{whoami}]"), "mcp:tools", 400),
            ("no JSON", "{", "mcp:tools", 400),
            ("a long body", &long, "mcp:tools", 413),
            (
                "a notification of the protocol",
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                "",
                200,
            ),
            ("a call without an id", &whoami.replace(r#""id":1,"#, ""), "", 200),
            ("a forbidden call without an id", &add.replace(r#""id":1,"#, ""), "", 403),
            ("a response", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "", 200),
        ] {
            let response = send(body, scopes).await;
            assert_eq!(response.status(), status, "{what}");
            if status == 200 {
                let received = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(received, body, "{what}");
            }
        }
    }

    #[tokio::test]
    async fn a_missing_scope_is_reported_to_the_bearer_middleware() {
        let add = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#;
        let mut response = send(add, "mcp:read").await;
        let missing = response.extensions_mut().remove::<InsufficientScope>().unwrap();
        assert_eq!(missing.required.to_string(), "mcp:tools");
    }

    #[tokio::test]
    async fn a_request_without_a_message_passes() {
        let response = app().oneshot(Request::get("/mcp").body(Body::empty()).unwrap()).await;
        assert_eq!(response.unwrap().status(), 200);
    }
}
