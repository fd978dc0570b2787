//! What was asked for so far, and when to stop asking.
//!
//! Rules: MCP authorization "Scope Selection Strategy", "Step-Up Authorization Flow" (the union of scopes, a retry
//! limit), "Refresh Tokens" (`offline_access` only where it is offered).

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{client::Client, error::ClientError, options::Grant},
        oauth::{discovery::Resource, unauthorized::AuthChallenge},
    },
    principal::ScopeSet,
};

/// Remembers what was asked for during one run.
#[derive(Debug, Default)]
pub struct ScopeState {
    issuer: Option<String>,
    asked: ScopeSet,
}

/// What to ask for, and whom.
#[derive(Debug)]
pub struct AccessRequest {
    /// The resource identifier, byte for byte: the value of `resource` in every request (RFC 8707).
    pub(crate) resource: String,
    pub(crate) server: AuthorizationServerMetadata,
    pub(crate) scopes: ScopeSet,
    /// The scopes to register with: those of now and those that later requests may need.
    pub(crate) registrable: ScopeSet,
    /// Whether a token must be bound to a key: the person, the resource or its challenge says so.
    pub(crate) dpop: bool,
}

const OFFLINE: &str = "offline_access";

impl ScopeState {
    /// Decides what to ask for after a refusal.
    ///
    /// # Errors
    /// When asking again would lead nowhere: the same was asked before, or the refused token was brand new.
    pub fn plan(
        &self,
        client: &Client,
        refusal: &AuthChallenge,
        resource: &Resource,
        server: AuthorizationServerMetadata,
    ) -> Result<AccessRequest, ClientError> {
        let known = self.issuer.as_deref() == Some(&server.issuer);
        let mut before = if known { self.asked.clone() } else { ScopeSet::default() };
        let credential = refusal.credential.as_ref().filter(|c| c.issuer == server.issuer);
        if let Some(credential) = credential {
            before = before.union(&credential.scopes);
        }
        let wanted = selected(client, refusal, resource, &server);
        let scopes = before.union(&wanted);
        match refusal.status {
            401 if credential.is_some() && refusal.brand_new => {
                return Err(ClientError::RetryLimit(format!(
                    "the token that {} has just issued is answered with 401{}",
                    server.issuer,
                    refusal
                        .param("error_description")
                        .map(|d| format!(" ({d})"))
                        .unwrap_or_default()
                )));
            }
            403 if known && scopes == before => {
                return Err(ClientError::NotGranted {
                    asked: self.asked.to_string(),
                    granted: credential.map(|c| c.scopes.to_string()).unwrap_or_default(),
                });
            }
            _ => {}
        }
        Ok(AccessRequest {
            resource: resource.identifier.clone(),
            registrable: scopes.union(&resource.scopes),
            dpop: resource.dpop || refusal.wants_dpop() || client.options.dpop,
            scopes,
            server,
        })
    }

    /// Notes that a grant is now asked for. A refresh asks for nothing: it leaves the scopes as they were granted
    /// (RFC 6749, 6).
    pub fn ask(&mut self, access: &AccessRequest) {
        self.issuer = Some(access.server.issuer.clone());
        self.asked = access.scopes.clone();
    }
}

/// The challenge's scopes, else the resource's, else none; what a person asked for beats both.
fn selected(
    client: &Client,
    refusal: &AuthChallenge,
    resource: &Resource,
    server: &AuthorizationServerMetadata,
) -> ScopeSet {
    if let Some(scope) = &client.options.scope {
        let own = ScopeSet::parse(scope);
        return match refusal.status {
            403 => own.union(&refusal.scopes().unwrap_or_default()),
            _ => own,
        };
    }
    let scopes = refusal.scopes().unwrap_or_else(|| resource.scopes.clone());
    let offered = server.scopes_supported.as_ref().is_some_and(|s| s.iter().any(|s| s == OFFLINE));
    if offered && client.options.grant == Grant::AuthorizationCode {
        return scopes.union(&ScopeSet::from([OFFLINE]));
    }
    scopes
}
