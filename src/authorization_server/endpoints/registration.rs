//! `POST /auth/register`: dynamic client registration.
//!
//! Specs: RFC 7591 section 3. Anybody may register: the user decides on the consent page. A machine client
//! (`client_credentials`) gets no more than any program on this machine can have with the public passwords of the
//! accounts.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::error::OAuthError;
use crate::authorization_server::{
    app_state::AppState,
    client_metadata::{
        AUTH_METHODS, ClientMetadata, MetadataError, NONE, PRIVATE_KEY_JWT, SECRET_BASIC,
        grant_types,
    },
    secret,
    state::clients::Provenance,
};

/// A flood of registrations must not evict a client before its user has logged in.
pub(crate) const MAX_REGISTRATIONS_PER_MINUTE: u32 = 100;

/// The response (RFC 7591, 3.2.1).
#[derive(Serialize)]
struct Registered {
    client_id: String,
    client_id_issued_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// 0: never. Required whenever there is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// The registration endpoint.
pub(crate) async fn register(
    State(state): State<Arc<AppState>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, OAuthError> {
    let invalid =
        |description: &'static str| OAuthError::new("invalid_client_metadata", description);
    let body = body.map_err(|rejection| {
        invalid("the registration is too large").with_status(rejection.status())
    })?;
    // serde would read an array as the properties in their order.
    let object = body.trim_ascii_start().starts_with(b"{");
    let metadata = serde_json::from_slice(&body).ok().filter(|_| object);
    let mut metadata: ClientMetadata = metadata.ok_or_else(|| {
        invalid(
            "the registration must be a JSON object whose properties have the types of RFC 7591",
        )
    })?;
    let methods = metadata.auth_methods(&AUTH_METHODS, SECRET_BASIC);
    let method = *methods.first().ok_or_else(|| {
        invalid(
            "token_endpoint_auth_method must be none, client_secret_basic, client_secret_post or private_key_jwt",
        )
    })?;
    metadata.token_endpoint_auth_method = Some(method.to_owned());
    if state.dpop.is_none() {
        metadata.dpop_bound_access_tokens = None;
    }
    let metadata =
        metadata.validate(&state.scopes, grant_types(state.enterprise_provider.is_some()))?;
    let client_secret = (![NONE, PRIVATE_KEY_JWT].contains(&method)).then(secret::random);
    let authentication = metadata.authentication(method, client_secret.as_deref())?;
    let now = state.clock.now();
    state.registrations.count(now).map_err(|seconds| {
        OAuthError::temporarily_unavailable("too many registrations", seconds)
    })?;
    // Not taken for a flag on the command line of a client.
    let client_id = format!("client-{}", secret::random());
    let client =
        metadata.clone().into_client(client_id.clone(), Provenance::SelfRegistered, authentication);
    state.clients.register(client, now);
    tracing::info!(%client_id, token_endpoint_auth_method = method, "client registered");
    let registered = Registered {
        client_id,
        client_id_issued_at: now,
        client_secret_expires_at: client_secret.as_ref().map(|_| 0),
        client_secret,
        metadata,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(registered))
        .into_response())
}

impl From<MetadataError> for OAuthError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::RedirectUri(description) => {
                Self::new("invalid_redirect_uri", description)
            }
            MetadataError::Invalid(description) => {
                Self::new("invalid_client_metadata", description)
            }
        }
    }
}
