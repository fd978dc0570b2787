//! Which web pages may read our answers. [`origin`](crate::origin) decides who may talk to us; this is the second half,
//! and browsers enforce it.
//!
//! A page sends its first request without asking only if a form could have sent it too. Anything with `Authorization` or JSON
//! is preceded by a preflight, which carries no token: it has to be answered before the wall. And a page sees only those
//! headers of an answer that are exposed; without `WWW-Authenticate` a client in a browser cannot find its way to
//! the authorization server.
//!
//! Rules: Fetch, "HTTP CORS protocol"; RFC 9728 section 5 (the challenge that must be readable).
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use mcp_auth::{cors, origin::AllowedOrigins};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let listed = vec!["https://app.example.com".parse().unwrap()];
//! let origins = AllowedOrigins::new(listed, &"https://mcp.example.com".parse().unwrap());
//! let app = Router::new().route("/", get(async || "who we are")).layer(cors::share(&origins));
//! let request = Request::get("/").header("Origin", "https://app.example.com");
//! let answer = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
//! assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.com");
//! # }
//! ```

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::{Layer, Service, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::origin::AllowedOrigins;

/// How long a browser may remember the answer to a preflight.
const MAX_AGE: Duration = Duration::from_secs(600);

/// What a client in a browser has to read: the way to a token, when to come back, and what MCP says in headers.
const EXPOSED: [HeaderName; 4] = [
    header::WWW_AUTHENTICATE,
    header::RETRY_AFTER,
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
];

/// Lets the pages that may read our answers read all of them, refusals included, and answers their preflights. Stands
/// before the wall; what is behind it may say of single documents that everybody may read them.
pub fn share(origins: &AllowedOrigins) -> Share {
    let readers = origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| may_read(&readers, origin)))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(MAX_AGE);
    Share(Arc::new((origins.clone(), cors)))
}

/// What [`share`] gives. A layer of its own, because most requests are not from pages and shall not pay for those that
/// are.
#[derive(Debug, Clone)]
pub struct Share(Arc<(AllowedOrigins, CorsLayer)>);

impl<S> Layer<S> for Share {
    type Service = Shared<S>;

    fn layer(&self, inner: S) -> Shared<S> {
        Shared { share: self.clone(), inner }
    }
}

/// A service whose answers are shared.
#[derive(Debug, Clone)]
pub struct Shared<S> {
    share: Share,
    inner: S,
}

impl<S> Service<Request> for Shared<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (origins, cors) = &*self.share.0;
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            // A page's browser always sends `Origin`: for everybody else a word to caches is enough.
            let answer = self.inner.call(request);
            return Box::pin(async {
                let mut response = answer.await?;
                response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
                Ok(response)
            });
        };
        let preflight = *request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if preflight && !may_read(origins, origin) {
            let answer = self.inner.call(request);
            return Box::pin(async {
                let response = answer.await?;
                let public = response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                Ok(if public { response } else { disallowed() })
            });
        }
        // The one that said it is ready, and another in its place.
        let inner = self.inner.clone();
        Box::pin(cors.layer(std::mem::replace(&mut self.inner, inner)).oneshot(request))
    }
}

/// A page that may not read is refused in words that its author can read in the network panel.
fn disallowed() -> Response {
    let vary = [(header::VARY, "origin")];
    (StatusCode::BAD_REQUEST, vary, "Disallowed CORS origin").into_response()
}

fn may_read(origins: &AllowedOrigins, origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    origin.is_some_and(|origin| origins.may_read(&origin))
}
