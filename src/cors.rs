//! Which web pages may read responses (CORS). [`origin`](crate::origin) decides which may send requests.
//!
//! A browser sends a preflight before any request with `Authorization` or JSON. It carries no token, so it must be
//! answered before bearer authentication. A page can read only exposed response headers; without `WWW-Authenticate` a
//! client in a browser cannot discover the authorization server.
//!
//! Specs: Fetch, "HTTP CORS protocol"; RFC 9728 section 5 (the challenge that must be readable).
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use mcp_auth::{cors, origin::AllowedOrigins};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let allowed = vec!["https://app.example.com".parse().unwrap()];
//! let origins = AllowedOrigins::new(allowed, &"https://mcp.example.com".parse().unwrap());
//! let app = Router::new().route("/", get(async || "hello")).layer(cors::layer(&origins));
//! let request = Request::get("/").header("Origin", "https://app.example.com");
//! let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
//! assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
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

const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

/// The challenge, when to try again, the nonce for a DPoP proof, and MCP's headers.
const EXPOSE_HEADERS: [HeaderName; 5] = [
    header::WWW_AUTHENTICATE,
    header::RETRY_AFTER,
    HeaderName::from_static("dpop-nonce"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
];

/// A layer that lets allowed pages read all responses, rejections included, and answers their preflights. It goes outside
/// bearer authentication. Routes inside may allow everybody to read a document.
pub fn layer(origins: &AllowedOrigins) -> OriginCorsLayer {
    let readers = origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| may_read(&readers, origin)))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSE_HEADERS)
        .max_age(PREFLIGHT_MAX_AGE);
    OriginCorsLayer(Arc::new((origins.clone(), cors)))
}

/// See [`layer()`]. tower-http's `CorsLayer` alone answers a preflight of any other page with 200, and would answer for
/// documents that everybody may read.
#[derive(Debug, Clone)]
pub struct OriginCorsLayer(Arc<(AllowedOrigins, CorsLayer)>);

impl<S> Layer<S> for OriginCorsLayer {
    type Service = OriginCors<S>;

    fn layer(&self, inner: S) -> OriginCors<S> {
        OriginCors { layer: self.clone(), inner }
    }
}

/// The service of [`OriginCorsLayer`].
#[derive(Debug, Clone)]
pub struct OriginCors<S> {
    layer: OriginCorsLayer,
    inner: S,
}

impl<S> Service<Request> for OriginCors<S>
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
        let (origins, cors) = &*self.layer.0;
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            // Not a page: browsers send `Origin`. Only caches need to know that it matters.
            let response = self.inner.call(request);
            return Box::pin(async {
                let mut response = response.await?;
                response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
                Ok(response)
            });
        };
        let preflight = *request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if preflight && !may_read(origins, origin) {
            let response = self.inner.call(request);
            return Box::pin(async {
                let response = response.await?;
                let public = response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                Ok(if public { response } else { reject_preflight() })
            });
        }
        // The instance that is ready; its clone may not be (tower::Service, "be careful when cloning inner services").
        let inner = self.inner.clone();
        Box::pin(cors.layer(std::mem::replace(&mut self.inner, inner)).oneshot(request))
    }
}

/// The text shows in the network panel of the page's author.
fn reject_preflight() -> Response {
    let vary = [(header::VARY, "origin")];
    (StatusCode::BAD_REQUEST, vary, "Disallowed CORS origin").into_response()
}

fn may_read(origins: &AllowedOrigins, origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    origin.is_some_and(|origin| origins.allows_cors(&origin))
}
