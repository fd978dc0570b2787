//! What the measured programs share: a port, and a check of one signature per request.

use std::{fs, path::Path};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

/// Serves on a free port and says which, as the steps do.
pub async fn serve(app: Router) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    axum::serve(listener, app).await.expect("axum serves");
}

/// Whose tokens count.
#[derive(Clone)]
pub struct Check {
    key: DecodingKey,
    validation: Validation,
}

impl Check {
    /// The public key in the folder that the command line names.
    pub fn from_arguments() -> Self {
        let folder = std::env::args().nth(1).expect("the folder of the key pair");
        let pem = fs::read(Path::new(&folder).join("mcp_public_key.pem")).expect("a public key");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = 0;
        validation.set_issuer(&["mcp-simple-auth"]);
        validation.set_audience(&["mcp-server"]);
        Self { key: DecodingKey::from_rsa_pem(&pem).expect("an RSA key"), validation }
    }
}

#[derive(Deserialize)]
struct Claims {
    scope: String,
}

/// What most examples do: verify the token of every request, look at its scope, and pass it on.
pub async fn check(
    State(check): State<Check>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let claims = decode::<Claims>(token, &check.key, &check.validation)
        .map_err(|_| StatusCode::UNAUTHORIZED)?
        .claims;
    if !claims.scope.split(' ').any(|scope| scope == "mcp:tools") {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(next.run(request).await)
}

pub mod echo;
