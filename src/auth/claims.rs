//! What a token says, in the dialect of whoever issued it, and the caller that it makes.
//!
//! Rules: RFC 7519 section 4.1 (registered claims), RFC 9068 section 2.2 (access tokens), RFC 8693 section 4.2
//! (`scope`), and the habits of identity providers: `scp` (Okta, Entra), lists for `scope` (ForgeRock),
//! `permissions` (Auth0), `realm_access` and `resource_access` (Keycloak), `cid` and `appid` (Okta, Entra).

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::principal::{Identity, ScopeSet};

use super::{members::Members, verifier::TokenError};

/// The claims of one token.
#[derive(Debug, Default)]
pub struct Claims(Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self(members.0))
    }
}

/// Claims that tie an ID token to what it was issued with (OpenID Connect Core 1.0, 3.1.3.6 and 3.3.2.11; FAPI 1.0);
/// access tokens have none of them.
const ID_TOKEN_ONLY: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// What a reader of claims must know of their issuer.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    /// `iss`, byte for byte.
    pub(crate) issuer: String,
    /// Any one of these must be among `aud`.
    pub(crate) audiences: BTreeSet<String>,
    /// Where a name to show is found; the first that is there.
    pub(crate) name_claims: Vec<String>,
    /// Where roles are found beside the usual places.
    pub(crate) role_claims: Vec<String>,
}

impl Claims {
    /// Holds the claims against their issuer and the clock (`now` in seconds since 1970).
    ///
    /// The order is the one that the answers of the tutorial show: `nbf`, `exp`, `iss`, `aud`.
    pub(crate) fn check(&self, dialect: Option<&Dialect>, now: u64) -> Result<(), TokenError> {
        for name in ["sub", "jti"] {
            self.absent_or(name, Value::is_string)?;
        }
        // An ID token or a refresh token is signed by the same key, and is no access token (RFC 8725, 3.11).
        self.absent_or("typ", |typ| is(typ, "Bearer"))?;
        if ID_TOKEN_ONLY.iter().any(|claim| self.0.contains_key(*claim)) {
            return Err(TokenError::WrongType);
        }
        self.check_time(self.expiry()?, now)?;
        let issuer = self.0.get("iss").ok_or(TokenError::Malformed)?;
        let dialect = dialect.filter(|dialect| issuer.as_str() == Some(&dialect.issuer));
        let dialect = dialect.ok_or_else(|| TokenError::WrongIssuer(shown(issuer)))?;
        self.check_audience(dialect)
    }

    /// The same for what a provider says of a token when it is asked: `exp` and `iss` may be missing (RFC 7662, 2.2),
    /// but for whom the token is meant we must be told.
    pub(crate) fn check_introspected(&self, dialect: &Dialect, now: u64) -> Result<(), TokenError> {
        self.absent_or("typ", |typ| is(typ, "Bearer"))?;
        self.absent_or("token_type", |typ| is(typ, "Bearer") || is(typ, "access_token"))?;
        let expiry = if self.0.contains_key("exp") { self.expiry()? } else { f64::INFINITY };
        self.check_time(expiry, now)?;
        match self.0.get("iss") {
            Some(issuer) if issuer.as_str() != Some(&dialect.issuer) => {
                Err(TokenError::WrongIssuer(shown(issuer)))
            }
            _ => self.check_audience(dialect),
        }
    }

    fn check_time(&self, expiry: f64, now: u64) -> Result<(), TokenError> {
        #[allow(clippy::cast_precision_loss)] // seconds fit into 53 bits
        let now = now as f64;
        if let Some(nbf) = self.0.get("nbf")
            && numeric_date(nbf).ok_or(TokenError::Malformed)? > now
        {
            return Err(TokenError::NotYetValid);
        }
        if expiry <= now { Err(TokenError::Expired) } else { Ok(()) }
    }

    fn check_audience(&self, dialect: &Dialect) -> Result<(), TokenError> {
        match self.0.get("aud") {
            None | Some(Value::Null) => Err(TokenError::Malformed),
            Some(Value::Array(list)) if list.is_empty() => Err(TokenError::Malformed),
            Some(aud) if words(aud).any(|aud| dialect.audiences.contains(aud)) => Ok(()),
            Some(aud) => Err(TokenError::WrongAudience {
                found: shown(aud),
                ours: dialect.audiences.iter().cloned().collect(),
            }),
        }
    }

    /// A claim as it is.
    pub(crate) fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim)
    }

    /// The caller that these claims describe.
    pub(crate) fn identity(&self, dialect: &Dialect) -> Result<Identity, TokenError> {
        let name =
            dialect.name_claims.iter().find_map(|claim| self.text(claim)).unwrap_or("unknown");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        Ok(Identity {
            name: name.to_owned(),
            subject: self.text("sub").map(str::to_owned),
            client: ["azp", "client_id", "cid", "appid"]
                .iter()
                .find_map(|c| self.text(c))
                .map(str::to_owned),
            token_id: self.text("jti").map(str::to_owned),
            issuer: dialect.issuer.clone(),
            scopes: self.scopes()?,
            roles: self.roles(dialect),
            // A provider that was asked need not tell: then nothing is remembered.
            expires_at: self.expiry().unwrap_or_default() as u64,
        })
    }

    /// The scopes by the first claim that gives any, and what Auth0 calls permissions.
    fn scopes(&self) -> Result<ScopeSet, TokenError> {
        self.absent_or("scope", |scope| scope.is_string() || scope.is_array() || scope.is_null())?;
        let granted = ["scope", "scp"]
            .iter()
            .find_map(|claim| self.0.get(*claim))
            .into_iter()
            .flat_map(words);
        // Lists only: the tutorial searched for words inside a string here, so that `xmcp:toolsmith` was `mcp:tools`.
        let list =
            |claim| self.0.get(claim).filter(|value| value.is_array()).into_iter().flat_map(words);
        let mut granted = granted.collect::<Vec<_>>();
        if !self.0.contains_key("scope") && !self.0.contains_key("scp") {
            granted.extend(list("scopes"));
        }
        granted.extend(list("permissions"));
        Ok(granted.into_iter().flat_map(|words| words.split(' ')).collect())
    }

    fn roles(&self, dialect: &Dialect) -> BTreeSet<String> {
        let places =
            ["roles", "groups"].into_iter().chain(dialect.role_claims.iter().map(String::as_str));
        let flat = places.filter_map(|claim| self.0.get(claim));
        let realm = self.0.get("realm_access").and_then(|access| access.get("roles"));
        let resources = dialect
            .audiences
            .iter()
            .filter_map(|aud| self.0.get("resource_access")?.get(aud)?.get("roles"));
        flat.chain(realm)
            .chain(resources)
            .filter(|value| value.is_array())
            .flat_map(words)
            .map(str::to_owned)
            .collect()
    }

    fn expiry(&self) -> Result<f64, TokenError> {
        self.0.get("exp").and_then(numeric_date).ok_or(TokenError::Malformed)
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    fn absent_or(&self, claim: &str, wanted: impl Fn(&Value) -> bool) -> Result<(), TokenError> {
        if self.0.get(claim).is_none_or(wanted) { Ok(()) } else { Err(TokenError::Malformed) }
    }
}

/// NumericDate (RFC 7519, 2): seconds since 1970, fractions allowed; some issuers quote it.
fn numeric_date(value: &Value) -> Option<f64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| seconds.is_finite())
}

fn is(value: &Value, word: &str) -> bool {
    value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(word))
}

/// A string, or the strings of a list.
fn words(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(list)
}

/// A claim for a log line: short, and without anything that could break a line.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(claims: &str) -> Identity {
        let dialect = Dialect {
            issuer: "i".to_owned(),
            audiences: BTreeSet::from(["api".to_owned()]),
            name_claims: vec!["preferred_username".to_owned(), "sub".to_owned()],
            role_claims: vec!["https://example.com/roles".to_owned()],
        };
        let mut claims: Claims = serde_json::from_str(claims).unwrap();
        claims.0.insert("exp".to_owned(), 9.into());
        claims.identity(&dialect).unwrap()
    }

    #[test]
    fn scopes_are_found_where_each_provider_puts_them() {
        for (dialect, claims, expected) in [
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
            assert_eq!(identity(claims).scopes.to_string(), expected, "{dialect}");
        }
    }

    #[test]
    fn roles_are_exact_members_of_a_list() {
        for (dialect, claims, expected) in [
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
                "{dialect}"
            );
        }
    }

    #[test]
    fn the_client_and_the_name_are_found_too() {
        assert_eq!(
            identity(r#"{"cid":"0oa1","sub":"alice@example.com"}"#).client.as_deref(),
            Some("0oa1")
        );
        assert_eq!(identity(r#"{"sub":"alice@example.com"}"#).name, "alice@example.com");
        assert_eq!(identity(r#"{}"#).name, "unknown");
    }

    #[test]
    fn a_claim_given_twice_is_no_token() {
        assert!(serde_json::from_str::<Claims>(r#"{"aud":"a","aud":"b"}"#).is_err());
    }
}
