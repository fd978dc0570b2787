//! What a deployment decides about the development authorization server.

use crate::auth::identity_provider::IdentityProvider;

/// Settings, by default the safe ones.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether client metadata documents may also come from this machine, over http: to try a client that is still being
    /// written.
    pub allow_local_client_metadata: bool,
    /// The enterprise identity provider whose ID-JAGs are exchanged for access tokens: the grant `jwt-bearer` (RFC 7523,
    /// draft-ietf-oauth-identity-assertion-authz-grant). It decides which client may act for which user.
    pub enterprise_provider: Option<IdentityProvider>,
}
