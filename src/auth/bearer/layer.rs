//! [`BearerAuth`] as a [`tower::Layer`].

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{Request, Response},
};
use tower::{Layer, Service};

use super::BearerAuth;

impl<S> Layer<S> for BearerAuth {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService { auth: self.clone(), inner }
    }
}

/// A service behind [`BearerAuth`].
#[derive(Debug, Clone)]
pub struct BearerService<S> {
    auth: BearerAuth,
    inner: S,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for BearerService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    RequestBody: Send + 'static,
    ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The instance that is ready must be the one that is called.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(self.auth.clone().authenticate(inner, request))
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        http::{StatusCode, header},
        routing::get,
    };
    use http_body_util::{BodyExt, Full};
    use serde_json::json;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::{
        auth::{
            challenge::Challenge,
            keys::KeyPair,
            verify::{TokenVerifier, TrustedIssuer},
        },
        principal::{InsufficientScope, Principal, ScopeSet},
    };

    /// A service as another library writes it: no router, and bodies of its own.
    async fn hello(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, &'static str> {
        let caller = request.extensions().get::<Principal>().expect("a caller");
        if request.uri() == "/broken" {
            return Err("broken");
        }
        let mut response = Response::new(Full::from(format!("hello {}", caller.display_name)));
        if request.uri() == "/admin" {
            *response.status_mut() = StatusCode::FORBIDDEN;
            let required = ScopeSet::from(["admin"]);
            response.extensions_mut().insert(InsufficientScope { required });
        }
        Ok(response)
    }

    #[tokio::test]
    async fn any_http_service_can_be_behind_the_layer() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyPair::create(folder.path()).unwrap();
        let issuer = TrustedIssuer::new("me", ["my-api"], &keys.jwks());
        let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), Challenge::bearer("my-api"));
        let claims = json!({
            "iss": "me", "aud": "my-api", "exp": 4_000_000_000_u64, "preferred_username": "ada",
        });
        let token = keys.sign("at+jwt", &claims).unwrap();
        let call = async |path: &str, token: &str| {
            let request = Request::get(path).header(header::AUTHORIZATION, token);
            let request = request.body(Full::default()).unwrap();
            let response = auth.layer(service_fn(hello)).oneshot(request).await?;
            let (parts, body) = response.into_parts();
            let challenge = parts.headers.get(header::WWW_AUTHENTICATE).cloned();
            let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            Ok::<_, &str>((parts.status.as_u16(), challenge.unwrap_or_default(), body))
        };
        let good = format!("Bearer {token}");
        assert_eq!(call("/", &good).await, Ok((200, String::new(), "hello ada".to_owned())));
        let (status, challenge, _) = call("/admin", &good).await.unwrap();
        assert_eq!(status, 403);
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(r#"scope="admin""#), "{challenge}");
        let (status, challenge, body) = call("/", "Bearer x").await.unwrap();
        assert_eq!((status, &*body), (401, r#"{"detail":"Invalid token"}"#));
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
        assert_eq!(call("/broken", &good).await, Err("broken"), "errors pass through");

        // An axum handler returns it.
        let handler = async || InsufficientScope { required: ScopeSet::from(["write"]) };
        let app = Router::new().route("/", get(handler).route_layer(auth.clone()));
        let request = Request::get("/").header(header::AUTHORIZATION, good);
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert_eq!(response.status(), 403);
        assert!(challenge.contains(r#"scope="write""#), "{challenge}");
    }
}
