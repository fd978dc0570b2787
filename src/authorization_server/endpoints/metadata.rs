//! `GET /.well-known/oauth-authorization-server`: what this server is called and what it can do.
//!
//! Specs: RFC 8414 sections 2 and 3; draft-ietf-oauth-identity-assertion-authz-grant section 7.2 (the profile, without the
//! name of the identity provider: section 9.4). There is no `openid-configuration`: OpenID Connect Discovery 1.0, section 3, requires
//! `id_token_signing_alg_values_supported`, and this server issues no ID tokens.

use crate::{
    auth::{dpop, metadata::AuthorizationServerMetadata},
    authorization_server::{
        client_metadata::{AUTH_METHODS, grant_types},
        jwt::ALGORITHMS,
        scopes::SupportedScopes,
    },
};

const ID_JAG_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

pub(crate) fn document(
    issuer: &str,
    scopes: &SupportedScopes,
    has_enterprise_provider: bool,
    binds_tokens: bool,
) -> AuthorizationServerMetadata {
    let url = |path: &str| Some(format!("{issuer}{path}"));
    let list = |values: &[&str]| Some(values.iter().map(|&value| value.to_owned()).collect());
    AuthorizationServerMetadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: url("/auth/authorize"),
        token_endpoint: url("/auth/token"),
        registration_endpoint: url("/auth/register"),
        revocation_endpoint: url("/auth/revoke"),
        revocation_endpoint_auth_methods_supported: list(&AUTH_METHODS),
        revocation_endpoint_auth_signing_alg_values_supported: list(
            &ALGORITHMS.map(|(_, name)| name),
        ),
        jwks_uri: url("/.well-known/jwks.json"),
        scopes_supported: Some(scopes.advertised().iter().map(str::to_owned).collect()),
        response_types_supported: list(&["code"]),
        grant_types_supported: list(grant_types(has_enterprise_provider)),
        authorization_grant_profiles_supported: has_enterprise_provider
            .then(|| vec![ID_JAG_PROFILE.to_owned()]),
        token_endpoint_auth_methods_supported: list(&AUTH_METHODS),
        token_endpoint_auth_signing_alg_values_supported: list(&ALGORITHMS.map(|(_, name)| name)),
        code_challenge_methods_supported: list(&["S256"]),
        authorization_response_iss_parameter_supported: Some(true),
        client_id_metadata_document_supported: Some(true),
        resource_indicators_supported: Some(true),
        dpop_signing_alg_values_supported: list(&dpop::ALGORITHMS).filter(|_| binds_tokens),
        ..AuthorizationServerMetadata::default()
    }
}
