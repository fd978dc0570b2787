//! `resource_server LIBRARY FOLDER ISSUER`: one route on plain axum behind the bearer layer of a library, with a local
//! copy of the issuer's keys. All require the audience `mcp-server`; what else each checks is in the README of the benchmarks.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{FromRef, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::post,
};
use axum_jwt_auth::{Claims, Decoder, LocalDecoder};
use jwt_authorizer::{Authorizer, JwtAuthorizer, RegisteredClaims, Validation};
use mcp_auth::auth::{
    bearer::BearerAuth,
    challenge::Challenge,
    verify::{TokenVerifier, TrustedIssuer, jwks::JwkSet},
};
use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator, axum::AuthLayer};
use serde_json::Value;
use tower_oauth2_resource_server::{
    server::OAuth2ResourceServer, tenant::TenantConfiguration, validation::ClaimsValidationSpec,
};

const AUDIENCE: &str = "mcp-server";

async fn hello(_: Bytes) -> &'static str {
    "hello"
}

fn app() -> Router {
    Router::new().route("/mcp", post(hello))
}

#[tokio::main]
async fn main() {
    let [_, library, folder, issuer] = &std::env::args().collect::<Vec<_>>()[..] else {
        panic!("usage: resource_server LIBRARY FOLDER ISSUER");
    };
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect(name);
    let jwks = read("jwks.json");
    let app = match library.as_str() {
        "nothing" => app(),
        "mcp_auth" | "mcp_auth_uncached" => {
            let keys = JwkSet::parse(jwks.as_bytes()).expect("a key set");
            let verifier =
                TokenVerifier::new().trust(TrustedIssuer::new(issuer, [AUDIENCE], &keys));
            let verifier =
                if library == "mcp_auth" { verifier } else { verifier.cache_capacity(0) };
            app().layer(BearerAuth::new(verifier, Challenge::bearer(AUDIENCE)))
        }
        "oauth-resource-server" => {
            let config = OAuthConfig {
                enabled: true,
                issuer: issuer.clone(),
                jwks_uri: Some("http://localhost:1/jwks".to_owned()),
                audience: AUDIENCE.to_owned(),
                resource: "http://localhost/mcp".to_owned(),
                required_scope: Some("mcp:tools".to_owned()),
                ..OAuthConfig::default()
            };
            let config = config.resolve(KeyNaming::Dotted("oauth")).expect("a configuration");
            let validator = OAuthValidator::builder(&config.expect("enabled")).initial_jwks(&jwks);
            let validator = Arc::new(validator.build().expect("a validator"));
            app().layer(AuthLayer::builder().oauth(validator).build().expect("a layer"))
        }
        "tower-oauth2-resource-server" => {
            let claims =
                ClaimsValidationSpec::new().iss(issuer).aud(&vec![AUDIENCE.to_owned()]).exp(true);
            let tenant = TenantConfiguration::static_builder(jwks).claims_validation(claims);
            let server = OAuth2ResourceServer::<Value>::builder()
                .add_tenant(tenant.build().expect("a tenant"));
            app().layer(server.build().await.expect("a resource server").into_layer())
        }
        "jwt-authorizer" => {
            let validation = Validation::new().iss(&[issuer]).aud(&[AUDIENCE]);
            let authorizer: Authorizer<RegisteredClaims> =
                JwtAuthorizer::from_jwks_text(&jwks).validation(validation).build().await.unwrap();
            app().layer(from_fn_with_state(Arc::new(authorizer), check_with_jwt_authorizer))
        }
        "axum-jwt-auth" => {
            use jsonwebtoken_10::{Algorithm, DecodingKey, Validation};
            let mut validation = Validation::new(Algorithm::RS256);
            validation.set_issuer(&[issuer]);
            validation.set_audience(&[AUDIENCE]);
            let pem = read("mcp_public_key.pem");
            let key = DecodingKey::from_rsa_pem(pem.as_bytes()).expect("an RSA key");
            let decoder = LocalDecoder::new(vec![key], validation).expect("a decoder");
            // It is no layer: each handler takes the claims.
            let hello = async |_: Claims<Value>, _: Bytes| "hello";
            let state = WithDecoder { decoder: Arc::new(decoder) };
            Router::new().route("/mcp", post(hello)).with_state(state)
        }
        other => panic!("no library {other}"),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    axum::serve(listener, app).await.expect("axum serves");
}

#[derive(Clone, FromRef)]
struct WithDecoder {
    decoder: Decoder<Value>,
}

/// Its layer is for axum 0.7, so its check is called from a middleware.
async fn check_with_jwt_authorizer(
    State(authorizer): State<Arc<Authorizer<RegisteredClaims>>>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let token = authorizer.check_auth(token).await.map_err(|_| StatusCode::UNAUTHORIZED)?;
    request.extensions_mut().insert(token);
    Ok(next.run(request).await)
}
