//! `WWW-Authenticate`: the challenge of a 401 or 403. Servers write it here; the parser for clients is in
//! `challenge/parser.rs`.
//!
//! Specs: RFC 9110 section 11.6.1, RFC 6750 section 3 (`Bearer` and its error codes), RFC 9728 section 5.1
//! (`resource_metadata`), MCP 2025-11-25 authorization, "Protected Resource Metadata Discovery Requirements" and "Scope
//! Challenge Handling".

mod parser;

use std::fmt;

use crate::principal::ScopeSet;

use super::metadata::ProtectedResource;

pub use parser::ChallengeError;

/// One challenge: an authentication scheme and its parameters, in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// `Bearer realm="…"`
    pub fn bearer(realm: &str) -> Self {
        Self { scheme: "Bearer".to_owned(), params: Vec::new() }.set_param("realm", realm)
    }

    /// Names the metadata of a resource (RFC 9728, 5.1) and all its scopes: clients register with the scopes of the
    /// first challenge, so a partial list would make a later step-up fail.
    #[must_use]
    pub fn for_resource(self, resource: &ProtectedResource) -> Self {
        self.set_param("resource_metadata", &resource.metadata_url())
            .scopes(&resource.scopes_supported.iter().map(String::as_str).collect())
    }

    /// The scopes that a token needs.
    #[must_use]
    pub fn scopes(self, scopes: &ScopeSet) -> Self {
        self.set_param("scope", &scopes.to_string())
    }

    /// The scopes that one operation needs, as clients must request them (RFC 6750, 3: `scope`). An authorization server
    /// may name a scope differently in requests and in tokens: Entra's clients request `api://ID/mcp:tools`, and its
    /// tokens say `mcp:tools`. So a scope is written as one of [`Challenge::scopes`] if that ends in it.
    #[must_use]
    pub fn required_scopes(self, required: &ScopeSet) -> Self {
        let advertised = self.param("scope").map(ScopeSet::parse).unwrap_or_default();
        let requested = |scope: &str| {
            let prefixed =
                |name: &&str| name.strip_suffix(scope).is_some_and(|rest| rest.ends_with('/'));
            let name = advertised.iter().find(|&name| name == scope);
            name.or_else(|| advertised.iter().find(prefixed)).unwrap_or(scope).to_owned()
        };
        let requested: ScopeSet = required.iter().map(requested).collect();
        self.scopes(&requested)
    }

    /// Why the token was rejected (RFC 6750, 3.1). Not for requests without credentials.
    #[must_use]
    pub fn error(self, code: &str, description: &str) -> Self {
        self.set_param("error", code).set_param("error_description", description)
    }

    /// The same for the scheme `DPoP`, with the algorithms of proofs (RFC 9449, 7.1).
    pub(super) fn for_dpop(&self) -> Self {
        let challenge = Self { scheme: "DPoP".to_owned(), ..self.clone() };
        challenge.set_param("algs", &super::dpop::ALGORITHMS.join(" "))
    }

    fn set_param(mut self, name: &str, value: &str) -> Self {
        match self.params.iter_mut().find(|(n, _)| n == name) {
            Some(param) => param.1 = value.to_owned(),
            None => self.params.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The scheme as it was written; compare it without regard to case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of a parameter; names are compared without regard to case (RFC 9110, 11.2).
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (index, (name, value)) in self.params.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(
                f,
                "{separator}{name}=\"{}\"",
                value.replace('\\', "\\\\").replace('"', "\\\"")
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_required_scope_is_written_as_clients_request_it() {
        for (advertised, required, expected) in [
            ("mcp:read mcp:tools", "mcp:tools", "mcp:tools"),
            ("api://id/mcp:read api://id/mcp:tools", "mcp:tools", "api://id/mcp:tools"),
            ("api://id/mcp:tools mcp:tools", "mcp:tools", "mcp:tools"),
            ("api://id/not-mcp:tools", "mcp:tools", "mcp:tools"),
            ("", "mcp:read mcp:tools", "mcp:read mcp:tools"),
        ] {
            let challenge = Challenge::bearer("realm").scopes(&ScopeSet::parse(advertised));
            let challenge = challenge.required_scopes(&ScopeSet::parse(required));
            assert_eq!(challenge.param("scope"), Some(expected), "{advertised}");
        }
    }
}
