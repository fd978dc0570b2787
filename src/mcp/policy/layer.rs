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
/// (`notifications/…`), which have no result. Without a caller (see
/// [`BearerAuth::allow_anonymous`](crate::auth::bearer::BearerAuth::allow_anonymous)) none of them passes, because all belong
/// to somebody's session: the answer to other methods than `POST` is then 405, as from a server without sessions. The one
/// exception is `notifications/initialized`, where everyone may send `initialize`.
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
        let caller = parts.extensions.get();
        if parts.method != Method::POST {
            return match caller {
                Some(_) => Ok(Request::from_parts(parts, Body::new(body))),
                None => Err(transport::method_not_allowed().await.into_response()),
            };
        }
        let (body, message) =
            self.read(&parts.headers, body).await.map_err(IntoResponse::into_response)?;
        let (id, checked) = match message {
            Message::Request(request) => {
                (Some(request.id), self.authorize(&request.method, &request.params, caller))
            }
            Message::Notification(note) if !note.method.starts_with("notifications/") => {
                (None, self.authorize(&note.method, &note.params, caller))
            }
            Message::Notification(note) if note.method == "notifications/initialized" => {
                (None, self.authorize_anonymous("initialize", caller))
            }
            Message::Notification(_) | Message::Response => {
                (None, self.authorize_anonymous("", caller))
            }
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

    /// Allows a message without a result to every caller, and to everyone only where everyone may call `method`.
    fn authorize_anonymous(&self, method: &str, caller: Option<&Principal>) -> MethodResult<()> {
        match caller {
            Some(_) => Ok(()),
            None => self.methods.authorize(method, None),
        }
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
