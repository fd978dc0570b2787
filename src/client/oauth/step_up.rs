//! Which scopes to request, and when to stop.
//!
//! Specs: MCP authorization "Scope Selection Strategy", "Step-Up Authorization Flow" (the union of scopes, a retry
//! limit), "Refresh Tokens" (`offline_access` only where it is offered).

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{client::Client, error::ClientError, options::Grant},
        oauth::{dpop::ProofKey, metadata::ResourceMetadata, unauthorized::AuthChallenge},
    },
    principal::ScopeSet,
};

/// The scopes that were requested so far in this run.
#[derive(Debug, Default)]
pub struct ScopeState {
    issuer: Option<String>,
    requested: ScopeSet,
}

/// What to request, and from which authorization server.
#[derive(Debug)]
pub struct AccessRequest {
    /// The resource identifier, byte for byte (RFC 8707).
    pub(crate) resource: String,
    omit_resource: bool,
    pub(crate) server: AuthorizationServerMetadata,
    pub(crate) scopes: ScopeSet,
    /// The scopes to register with: those of this request and of later ones.
    pub(crate) registration_scopes: ScopeSet,
    /// Whether the token must be bound to a key: the user, the resource or its challenge requires it.
    pub(crate) dpop: bool,
}

impl AccessRequest {
    /// The parameter `resource` of every request to the authorization server, unless `--omit-resource` is given.
    pub(crate) fn resource_param(&self) -> Option<(&'static str, String)> {
        (!self.omit_resource).then(|| ("resource", self.resource.clone()))
    }

    /// A new key, if the token must be bound to one.
    pub(crate) fn proof_key(&self) -> Result<Option<ProofKey>, ClientError> {
        self.dpop.then(ProofKey::generate).transpose()
    }

    /// The parameter `scope`, if there is anything to request.
    pub(crate) fn scope_param(&self) -> Option<(&'static str, String)> {
        (!self.scopes.is_empty()).then(|| ("scope", self.scopes.to_string()))
    }
}

const OFFLINE_ACCESS: &str = "offline_access";

impl ScopeState {
    /// Decides what to request after a challenge.
    ///
    /// # Errors
    /// When another request would be pointless: the same was requested before, or the rejected token is new.
    pub fn next_request(
        &self,
        client: &Client,
        challenge: &AuthChallenge,
        resource: &ResourceMetadata,
        server: AuthorizationServerMetadata,
    ) -> Result<AccessRequest, ClientError> {
        let same_issuer = self.issuer.as_deref() == Some(&server.issuer);
        let mut before = if same_issuer { self.requested.clone() } else { ScopeSet::default() };
        let token = challenge.token.as_ref().filter(|token| token.issuer == server.issuer);
        if let Some(token) = token {
            before = before.union(&token.scopes);
        }
        let scopes = before.union(&select_scopes(client, challenge, resource, &server));
        match challenge.status {
            401 if token.is_some() && challenge.is_new_token => {
                let description = challenge.param("error_description");
                return Err(ClientError::RetryLimit(format!(
                    "the token that {} has just issued gets a 401{}",
                    server.issuer,
                    description.map(|text| format!(" ({text})")).unwrap_or_default()
                )));
            }
            403 if same_issuer && scopes == before => {
                return Err(ClientError::NotGranted {
                    requested: self.requested.to_string(),
                    granted: token.map(|token| token.scopes.to_string()).unwrap_or_default(),
                });
            }
            _ => {}
        }
        let supported: ScopeSet = resource.scopes_supported.iter().map(String::as_str).collect();
        Ok(AccessRequest {
            resource: resource.resource.clone(),
            omit_resource: client.options.omit_resource,
            registration_scopes: scopes.union(&supported),
            dpop: resource.dpop_bound_access_tokens_required
                || challenge.requires_dpop()
                || client.options.dpop,
            scopes,
            server,
        })
    }

    /// Records that a grant is now requested, before anything is created for it. A refresh is no such request: it keeps
    /// the scopes that were granted (RFC 6749, 6).
    ///
    /// # Errors
    /// When this run has requested too many grants.
    pub fn record(&mut self, client: &Client, access: &AccessRequest) -> Result<(), ClientError> {
        client.count_authorization()?;
        self.issuer = Some(access.server.issuer.clone());
        self.requested = access.scopes.clone();
        Ok(())
    }
}

/// The scopes of `--scope`, else those of the challenge, else those of the resource, else none.
fn select_scopes(
    client: &Client,
    challenge: &AuthChallenge,
    resource: &ResourceMetadata,
    server: &AuthorizationServerMetadata,
) -> ScopeSet {
    if let Some(scope) = &client.options.scope {
        let own = ScopeSet::parse(scope);
        return match challenge.status {
            403 => own.union(&challenge.scopes().unwrap_or_default()),
            _ => own,
        };
    }
    let scopes = challenge
        .scopes()
        .unwrap_or_else(|| resource.scopes_supported.iter().map(String::as_str).collect());
    let offered =
        server.scopes_supported.as_ref().is_some_and(|s| s.iter().any(|s| s == OFFLINE_ACCESS));
    if offered && client.options.grant == Grant::AuthorizationCode {
        return scopes.union(&ScopeSet::from([OFFLINE_ACCESS]));
    }
    scopes
}
