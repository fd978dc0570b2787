//! What a client says about itself: in a registration request, or in a document at its `client_id`.
//!
//! Specs: RFC 7591 section 2, RFC 9449 section 5.2 (`dpop_bound_access_tokens`), OpenID Connect Dynamic Client Registration 1.0 section 2 (`application_type`), OpenID
//! Connect RP Metadata Choices 1.0 (`token_endpoint_auth_methods_supported`); MCP authorization, "Application Type and
//! Redirect URI Constraints". Unknown metadata is ignored, and of each list the supported values are kept: one
//! description serves many authorization servers. A client is refused only when nothing is left.

pub(super) mod documents;
pub(super) mod fetch;
mod fetch_limits;
mod freshness;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    jwt::JwtKeys,
    redirect_uri,
    scopes::SupportedScopes,
    secret::SecretHash,
    state::clients::{Authentication, Client, ClientKeys, Provenance},
};
use crate::{display_text::display_text, principal::ScopeSet};

const MAX_REDIRECT_URIS: usize = 20;
const MAX_NAME_CHARS: usize = 120;
const MAX_URI_BYTES: usize = 2048;

pub(super) const NONE: &str = "none";
pub(super) const SECRET_BASIC: &str = "client_secret_basic";
pub(super) const SECRET_POST: &str = "client_secret_post";
pub(super) const PRIVATE_KEY_JWT: &str = "private_key_jwt";
/// What the token endpoint accepts.
pub(super) const AUTH_METHODS: [&str; 4] = [NONE, SECRET_BASIC, SECRET_POST, PRIVATE_KEY_JWT];
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const GRANT_TYPES: [&str; 4] =
    ["authorization_code", "refresh_token", "client_credentials", JWT_BEARER];

/// What the token endpoint supports: `jwt-bearer` only for assertions of an enterprise identity provider.
pub(super) fn grant_types(has_enterprise_provider: bool) -> &'static [&'static str] {
    if has_enterprise_provider { &GRANT_TYPES } else { &GRANT_TYPES[..3] }
}

/// The members that this server reads (RFC 7591, 2).
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ClientMetadata {
    pub(super) redirect_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_uri: Option<String>,
    pub(super) application_type: Option<String>,
    pub(super) token_endpoint_auth_method: Option<String>,
    #[serde(skip_serializing)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(super) grant_types: Option<Vec<String>>,
    pub(super) response_types: Option<Vec<String>>,
    pub(super) scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dpop_bound_access_tokens: Option<bool>,
}

/// Why metadata describes no client of this server. The texts go to the client's developer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum MetadataError {
    /// `invalid_redirect_uri` (RFC 7591, 3.2.2).
    #[error("{0}")]
    RedirectUri(&'static str),
    /// `invalid_client_metadata`.
    #[error("{0}")]
    Invalid(&'static str),
}

impl ClientMetadata {
    /// Checks every member, keeps what is supported and fills in what was left out (RFC 7591, 3.2.1).
    pub(super) fn validate(
        mut self,
        supported: &SupportedScopes,
        grant_types: &[&str],
    ) -> Result<Self, MetadataError> {
        let invalid = |description| Err(MetadataError::Invalid(description));
        self.validate_grants(grant_types)?;
        self.validate_redirect_uris()?;
        if self.client_name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME_CHARS) {
            return invalid("client_name must have at most 120 characters");
        }
        let valid = |uri: &String| uri.len() <= MAX_URI_BYTES && uri.starts_with("http");
        if !self.client_uri.iter().all(valid) {
            return invalid("client_uri must be an http or https URL");
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return invalid("jwks and jwks_uri exclude each other");
        }
        let scopes: ScopeSet = match self.scope.as_deref().map(ScopeSet::parse) {
            Some(wanted) if !wanted.is_empty() => {
                wanted.iter().filter(|scope| supported.contains(scope)).collect()
            }
            _ => supported.advertised(),
        };
        if scopes.is_empty() {
            return invalid("none of these scopes is supported; see scopes_supported");
        }
        self.scope = Some(scopes.to_string());
        Ok(self)
    }

    fn validate_grants(&mut self, supported: &[&str]) -> Result<(), MetadataError> {
        let public = self.token_endpoint_auth_method.as_deref() == Some(NONE);
        let for_confidential = ["client_credentials", JWT_BEARER];
        let mut grants = self.grant_types.take().unwrap_or_else(|| vec![GRANT_TYPES[0].to_owned()]);
        grants.retain(|grant| {
            let grant = grant.as_str();
            supported.contains(&grant) && !(public && for_confidential.contains(&grant))
        });
        grants.dedup();
        if !grants.iter().any(|grant| grant != "refresh_token") {
            return Err(MetadataError::Invalid(
                "grant_types must include authorization_code, or for a confidential client another grant of grant_types_supported",
            ));
        }
        let with_code = grants.iter().any(|grant| grant == "authorization_code");
        let default = if with_code { vec!["code".to_owned()] } else { Vec::new() };
        let mut responses = self.response_types.take().unwrap_or_else(|| default.clone());
        responses.retain(|response| default.contains(response));
        if with_code && responses.is_empty() {
            return Err(MetadataError::Invalid("response_types must include code"));
        }
        self.grant_types = Some(grants);
        self.response_types = Some(responses);
        Ok(())
    }

    fn validate_redirect_uris(&mut self) -> Result<(), MetadataError> {
        let uses_code = self.response_types.as_ref().is_some_and(|types| !types.is_empty());
        let uris = self.redirect_uris.get_or_insert_default();
        if (uris.is_empty() && uses_code) || uris.len() > MAX_REDIRECT_URIS {
            return Err(MetadataError::Invalid("redirect_uris must list between 1 and 20 URIs"));
        }
        // Cursor lists a scheme of its own beside URIs that MCP allows. The others are registered, and the response
        // shows them (RFC 7591, 3.2.1: the server may replace what was asked for).
        if uris.iter().any(|uri| redirect_uri::check(uri).is_ok()) {
            uris.retain(|uri| !redirect_uri::is_private_use(uri));
        }
        uris.iter()
            .try_for_each(|uri| redirect_uri::check(uri))
            .map_err(MetadataError::RedirectUri)?;
        let loopback = uris.iter().any(|uri| redirect_uri::is_this_machine(uri));
        match self.application_type.as_deref() {
            Some("native") => {}
            Some("web") if !loopback => {}
            Some("web") => {
                return Err(MetadataError::RedirectUri(
                    "a web client cannot have a loopback redirect URI; register with application_type native",
                ));
            }
            None => {
                self.application_type = Some(if loopback { "native" } else { "web" }.to_owned());
            }
            Some(_) => {
                return Err(MetadataError::Invalid("application_type must be native or web"));
            }
        }
        Ok(())
    }

    /// The methods of `allowed` that the client can use, its preferred one first.
    pub(super) fn auth_methods(
        &self,
        allowed: &[&'static str],
        default: &str,
    ) -> Vec<&'static str> {
        let listed =
            self.token_endpoint_auth_methods_supported.iter().flatten().map(String::as_str);
        let single = self.token_endpoint_auth_method.as_deref();
        let single = single
            .or_else(|| self.token_endpoint_auth_methods_supported.is_none().then_some(default));
        let find = |method: &str| allowed.iter().copied().find(|allowed| *allowed == method);
        let mut methods: Vec<_> = single.into_iter().chain(listed).filter_map(find).collect();
        methods.dedup();
        methods
    }

    /// The keys that `private_key_jwt` needs.
    pub(super) fn keys(&self) -> Result<ClientKeys, MetadataError> {
        let missing = MetadataError::Invalid(
            "private_key_jwt needs jwks or jwks_uri with the client's public keys",
        );
        match (&self.jwks, &self.jwks_uri) {
            (Some(jwks), _) => {
                JwtKeys::parse(jwks).map(|keys| ClientKeys::Jwks(Arc::new(keys))).ok_or(missing)
            }
            (None, Some(uri)) if uri.len() <= MAX_URI_BYTES => Ok(ClientKeys::Uri(uri.clone())),
            _ => Err(missing),
        }
    }

    /// How the client authenticates with `method`.
    pub(super) fn authentication(
        &self,
        method: &str,
        secret: Option<&str>,
    ) -> Result<Authentication, MetadataError> {
        match (method, secret) {
            (NONE, _) => Ok(Authentication::None),
            (PRIVATE_KEY_JWT, _) => Ok(Authentication::PrivateKeyJwt(self.keys()?)),
            (_, Some(secret)) => Ok(Authentication::Secret(SecretHash::of(secret))),
            (_, None) => Err(MetadataError::Invalid("this method needs a client secret")),
        }
    }

    /// The client that valid metadata describes.
    pub(super) fn into_client(
        self,
        id: String,
        provenance: Provenance,
        authentication: Authentication,
    ) -> Client {
        // Nobody has verified it; the templates escape HTML.
        let name = self.client_name.as_deref().map(|name| display_text(name, MAX_NAME_CHARS));
        let is_readable = |name: &String| name.chars().any(|c| c != char::REPLACEMENT_CHARACTER);
        Client {
            name: name.filter(is_readable).unwrap_or_else(|| id.clone()),
            id,
            provenance,
            authentication,
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            scopes: self.scope.as_deref().map(ScopeSet::parse).unwrap_or_default(),
            grant_types: self.grant_types.unwrap_or_default(),
            always_uses_dpop: self.dpop_bound_access_tokens.unwrap_or_default(),
        }
    }
}
