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
//! use axum::{body::Body, http::Request, routing::get};
//! use mcp_auth::{cors, origin::AllowedOrigins};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let listed = vec!["https://app.example.com".parse().unwrap()];
//! let origins = AllowedOrigins::new(listed, &"https://mcp.example.com".parse().unwrap());
//! let route = cors::share(get(async || "who we are"), &origins);
//! let request = Request::get("/").header("Origin", "https://app.example.com");
//! let answer = route.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
//! assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.com");
//! # }
//! ```

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use tower::{Layer, ServiceExt};
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

/// Lets the pages that may read our answers read those of this route, refusals included. Wrap it around the wall.
pub fn share<S>(route: MethodRouter<S>, origins: &AllowedOrigins) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let readers = origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| may_read(&readers, origin)))
        .allow_credentials(true)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(MAX_AGE);
    route.layer(from_fn_with_state(Arc::new((origins.clone(), cors)), read_by_pages))
}

async fn read_by_pages(
    State(shared): State<Arc<(AllowedOrigins, CorsLayer)>>,
    request: Request,
    next: Next,
) -> Response {
    let (origins, cors) = &*shared;
    let (method, origin) = (request.method(), request.headers().get(header::ORIGIN));
    // A page's browser always sends `Origin`: for everybody else a word to caches is enough.
    if origin.is_none() && *method != Method::OPTIONS {
        let mut response = next.run(request).await;
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
        return response;
    }
    // A page that may not read is refused in words that its author can read in the network panel.
    let asks = *method == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if asks && !origin.is_some_and(|origin| may_read(origins, origin)) {
        let vary = [(header::VARY, "origin")];
        return (StatusCode::BAD_REQUEST, vary, "Disallowed CORS origin").into_response();
    }
    cors.layer(next).oneshot(request).await.into_response()
}

fn may_read(origins: &AllowedOrigins, origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    origin.is_some_and(|origin| origins.may_read(&origin))
}
