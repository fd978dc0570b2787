//! Claims of a token, and the caller that they describe. Providers use different claims for the same facts.
//!
//! Specs: RFC 7519 section 4.1 (registered claims), RFC 9068 section 2.2 (access tokens), RFC 8693 section 4.2
//! (`scope`). Beyond them: `scp` (Okta, Entra), lists for `scope` (ForgeRock), `permissions` (Auth0), `realm_access`
//! and `resource_access` (Keycloak), `cid` and `appid` (Okta, Entra).

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::principal::{Identity, ScopeSet};

use super::{error::TokenError, unique_object::UniqueObject};

/// The claims of one token; duplicates are rejected.
#[derive(Debug, Default)]
pub(super) struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        UniqueObject::deserialize(deserializer).map(|object| Self(object.0))
    }
}

impl Claims {
    /// A claim as it was written.
    pub(super) fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim)
    }

    /// A claim that is a string.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    /// A NumericDate (RFC 7519, 2): seconds since 1970, fractions allowed. Some issuers quote it.
    pub(super) fn numeric_date(&self, claim: &str) -> Option<f64> {
        let seconds = match self.0.get(claim)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        seconds.filter(|seconds| seconds.is_finite())
    }

    /// The OAuth client that the token was issued to.
    pub(super) fn client_id(&self) -> Option<&str> {
        self.client_ids().next()
    }

    /// The client, in each of the claims that name one.
    pub(super) fn client_ids(&self) -> impl Iterator<Item = &str> {
        ["azp", "client_id", "cid", "appid"].into_iter().filter_map(|claim| self.text(claim))
    }

    /// The thumbprint of the key that the token is bound to by DPoP (RFC 9449, 6.1).
    ///
    /// # Errors
    /// When it is bound in another way, for example to a certificate (RFC 8705, 3.1). No other way can be checked here.
    pub(super) fn key_thumbprint(&self) -> Result<Option<&str>, TokenError> {
        let Some(confirmation) = self.0.get("cnf") else {
            return Ok(None);
        };
        let members = confirmation.as_object().ok_or(TokenError::SenderConstrained)?;
        // Keycloak says beside the thumbprint what it is for.
        if !members.keys().all(|member| ["jkt", "kc-jkt-type"].contains(&member.as_str())) {
            return Err(TokenError::SenderConstrained);
        }
        let thumbprint = members.get("jkt").and_then(Value::as_str);
        thumbprint.map(Some).ok_or(TokenError::SenderConstrained)
    }

    /// A string, or the strings of a list.
    pub(super) fn strings(&self, claim: &str) -> impl Iterator<Item = &str> {
        self.0.get(claim).into_iter().flat_map(strings)
    }

    /// # Errors
    /// When the claim is there and is not as expected.
    pub(super) fn validate_if_present(
        &self,
        claim: &str,
        is_valid: impl Fn(&Value) -> bool,
    ) -> Result<(), TokenError> {
        let valid = self.0.get(claim).is_none_or(is_valid);
        valid.then_some(()).ok_or(TokenError::Malformed)
    }
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(list)
}

/// Which claims of an issuer describe the caller.
#[derive(Debug, Clone)]
pub(super) struct ClaimMapping {
    /// Claims with a display name; the first that is present.
    pub(super) name_claims: Vec<String>,
    /// Claims with roles, beside `roles`, `groups`, `realm_access` and `resource_access`.
    pub(super) role_claims: Vec<String>,
}

impl ClaimMapping {
    /// The caller that verified claims describe.
    pub(super) fn identity(
        &self,
        claims: &Claims,
        issuer: &str,
        audiences: &BTreeSet<String>,
        token: &str,
    ) -> Result<Identity, TokenError> {
        let name = self.name_claims.iter().find_map(|claim| claims.text(claim));
        let subject = claims.text("sub").filter(|subject| !subject.is_empty());
        // Only `iss` and `sub` identify a user (OpenID Connect Core 1.0, 5.7). A token without `sub` is nobody but itself.
        let hash = || URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        Ok(Identity {
            display_name: name.unwrap_or("unknown").to_owned(),
            unique_id: subject.map_or_else(hash, str::to_owned),
            subject: subject.map(str::to_owned),
            client_id: claims.client_id().map(str::to_owned),
            jwt_id: claims.text("jti").map(str::to_owned),
            issuer: issuer.to_owned(),
            scopes: scopes(claims)?,
            roles: self.roles(claims, audiences),
            key_thumbprint: claims.key_thumbprint()?.map(str::to_owned),
            // An introspection response may lack it: then the result is not cached.
            expires_at: claims.numeric_date("exp").unwrap_or_default() as u64,
        })
    }

    fn roles(&self, claims: &Claims, audiences: &BTreeSet<String>) -> BTreeSet<String> {
        let names =
            ["roles", "groups"].into_iter().chain(self.role_claims.iter().map(String::as_str));
        let flat = names.filter_map(|claim| claims.get(claim));
        let realm = claims.get("realm_access").and_then(|access| access.get("roles"));
        let clients = audiences
            .iter()
            .filter_map(|aud| claims.get("resource_access")?.get(aud)?.get("roles"));
        let lists = flat.chain(realm).chain(clients).filter(|value| value.is_array());
        lists.flat_map(strings).map(str::to_owned).collect()
    }
}

/// The scopes of the first claim that has any, and what Auth0 calls permissions.
fn scopes(claims: &Claims) -> Result<ScopeSet, TokenError> {
    claims.validate_if_present("scope", |scope| {
        scope.is_string() || scope.is_array() || scope.is_null()
    })?;
    let claim = ["scope", "scp"].into_iter().find(|claim| claims.get(claim).is_some());
    // Lists only: the tutorial searched inside a string here, so that `xmcp:toolsmith` granted `mcp:tools`.
    let is_list = |claim: &&str| claims.get(claim).is_some_and(Value::is_array);
    let list = claim.or(Some("scopes").filter(is_list));
    let permissions = Some("permissions").filter(is_list);
    let granted = list.into_iter().chain(permissions).flat_map(|claim| claims.strings(claim));
    Ok(granted.flat_map(|scopes| scopes.split(' ')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(claims: &str) -> Identity {
        identity_of(claims, "a.b.c")
    }

    fn identity_of(claims: &str, token: &str) -> Identity {
        let mapping = ClaimMapping {
            name_claims: vec!["preferred_username".to_owned(), "sub".to_owned()],
            role_claims: vec!["https://example.com/roles".to_owned()],
        };
        let claims: Claims = serde_json::from_str(claims).unwrap();
        mapping.identity(&claims, "i", &BTreeSet::from(["api".to_owned()]), token).unwrap()
    }

    #[test]
    fn scopes_are_found_where_each_provider_puts_them() {
        for (provider, claims, expected) in [
            ("RFC 9068, Keycloak", r#"{"scope":"mcp:read  mcp:tools"}"#, "mcp:read mcp:tools"),
            ("ForgeRock", r#"{"scope":["mcp:read","mcp:tools"]}"#, "mcp:read mcp:tools"),
            ("Okta", r#"{"scp":["mcp:read"]}"#, "mcp:read"),
            ("Entra", r#"{"scp":"mcp.read mcp.tools"}"#, "mcp.read mcp.tools"),
            (
                "Auth0 with RBAC",
                r#"{"scope":"openid","permissions":["mcp:tools"]}"#,
                "mcp:tools openid",
            ),
            ("the tutorial", r#"{"scopes":["mcp:read",""]}"#, "mcp:read"),
            ("scope wins", r#"{"scope":"","scopes":["mcp:tools"]}"#, ""),
            ("no list", r#"{"scopes":"xmcp:toolsmith"}"#, ""),
            ("null", r#"{"scopes":null,"scope":null}"#, ""),
        ] {
            assert_eq!(identity(claims).scopes.to_string(), expected, "{provider}");
        }
    }

    #[test]
    fn roles_are_exact_elements_of_a_list() {
        for (provider, claims, expected) in [
            ("plain", r#"{"roles":["user","admin"]}"#, vec!["admin", "user"]),
            ("a string is no list", r#"{"roles":"administrator"}"#, vec![]),
            ("nor is an object", r#"{"roles":{"admin":false}}"#, vec![]),
            ("null", r#"{"roles":null}"#, vec![]),
            ("Okta groups", r#"{"groups":["staff"]}"#, vec!["staff"]),
            ("Keycloak realm", r#"{"realm_access":{"roles":["a"]}}"#, vec!["a"]),
            (
                "Keycloak, our client",
                r#"{"resource_access":{"api":{"roles":["b"]},"x":{"roles":["c"]}}}"#,
                vec!["b"],
            ),
            ("namespaced", r#"{"https://example.com/roles":["d"]}"#, vec!["d"]),
        ] {
            assert_eq!(
                identity(claims).roles.into_iter().collect::<Vec<_>>(),
                expected,
                "{provider}"
            );
        }
    }

    #[test]
    fn client_and_name_are_found_too() {
        assert_eq!(
            identity(r#"{"cid":"0oa1","sub":"alice@example.com"}"#).client_id.as_deref(),
            Some("0oa1")
        );
        assert_eq!(identity(r#"{"sub":"alice@example.com"}"#).display_name, "alice@example.com");
        assert_eq!(identity(r#"{}"#).display_name, "unknown");
    }

    #[test]
    fn tokens_without_a_subject_share_no_identity() {
        let [first, second] = ["a.b.c", "a.b.d"].map(|token| identity_of("{}", token).unique_id);
        assert_ne!(first, second);
        assert_ne!(first, identity(r#"{"sub":"unknown"}"#).unique_id);
        let [first, second] =
            ["a.b.c", "a.b.d"].map(|token| identity_of(r#"{"sub":""}"#, token).unique_id);
        assert_ne!(first, second, "an empty `sub` names nobody");
        let named = r#"{"preferred_username":"alice"}"#;
        assert_ne!(identity_of(named, "a.b.c").unique_id, identity_of(named, "a.b.d").unique_id);
        let [first, second] =
            ["a.b.c", "a.b.d"].map(|token| identity_of(r#"{"sub":"user_alice"}"#, token).unique_id);
        assert_eq!((&*first, &*second), ("user_alice", "user_alice"));
    }

    #[test]
    fn duplicate_claims_are_rejected() {
        assert!(serde_json::from_str::<Claims>(r#"{"aud":"a","aud":"b"}"#).is_err());
    }
}
