//! What a caller may do: scopes and roles for methods, or for single tools.
//!
//! Specs: RFC 6749 section 3.3 (scopes), RFC 6750 section 3.1 (`insufficient_scope`), MCP 2025-11-25 authorization,
//! "Scope Challenge Handling".

pub mod layer;

use std::collections::BTreeMap;

use crate::{
    jsonrpc::ErrorObject,
    principal::{AuthenticationRequired, InsufficientScope, Principal, ScopeSet},
};

use super::call::{MethodError, MethodResult};

/// Who may use what, by name. A name without a rule is refused to everyone.
///
/// ```
/// use mcp_auth::mcp::policy::Policy;
///
/// let policy = Policy::new()
///     .allow_anonymous(["ping"])
///     .allow_authenticated(["tools/list"])
///     .require_any_scope("tools/call", ["mcp:tools"], "tool execution");
/// assert!(policy.is_allowed("ping", None));
/// assert!(!policy.is_allowed("tools/list", None));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: BTreeMap<&'static str, Rule>,
    superuser_role: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Rule {
    Anonymous,
    Authenticated,
    /// Any one of these scopes; and what the error calls the operation.
    AnyScope(Vec<&'static str>, &'static str),
    Role(&'static str),
}

impl Policy {
    /// Allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows `names` to everyone, also without a token. It needs an authentication middleware that lets such requests pass,
    /// see [`BearerAuth::allow_anonymous`]. Without a rule of this kind no request without a token is allowed anything.
    ///
    /// [`BearerAuth::allow_anonymous`]: crate::auth::bearer::BearerAuth::allow_anonymous
    ///
    /// # Panics
    /// If one of them has a rule already.
    #[must_use]
    pub fn allow_anonymous<const N: usize>(self, names: [&'static str; N]) -> Self {
        names.into_iter().fold(self, |policy, name| policy.rule(name, Rule::Anonymous))
    }

    /// Allows `names` to every caller with a valid token.
    ///
    /// # Panics
    /// If one of them has a rule already.
    #[must_use]
    pub fn allow_authenticated<const N: usize>(self, names: [&'static str; N]) -> Self {
        names.into_iter().fold(self, |policy, name| policy.rule(name, Rule::Authenticated))
    }

    /// Any one of these scopes is enough for `name`; a challenge asks for the first. `what` is what the error calls the
    /// operation: `Insufficient permissions for …`.
    ///
    /// # Panics
    /// If `name` has a rule already, or if there is no scope.
    #[must_use]
    pub fn require_any_scope<const N: usize>(
        self,
        name: &'static str,
        any_of: [&'static str; N],
        what: &'static str,
    ) -> Self {
        assert!(N > 0, "{name}: use `allow_authenticated` for what needs no scope");
        self.rule(name, Rule::AnyScope(any_of.to_vec(), what))
    }

    /// Only callers with this role may use `name`. No scope would help, so the error asks for none.
    ///
    /// # Panics
    /// If `name` has a rule already.
    #[must_use]
    pub fn require_role(self, name: &'static str, role: &'static str) -> Self {
        self.rule(name, Rule::Role(role))
    }

    /// Callers with exactly this role may use every name that has a rule.
    #[must_use]
    pub fn grant_all_to_role(self, role: &'static str) -> Self {
        Self { superuser_role: Some(role), ..self }
    }

    fn rule(mut self, name: &'static str, rule: Rule) -> Self {
        assert!(self.rules.insert(name, rule).is_none(), "two rules for {name}");
        self
    }

    /// Whether the caller may use `name`.
    pub fn is_allowed(&self, name: &str, principal: Option<&Principal>) -> bool {
        let Some(rule) = self.rules.get(name) else {
            return false;
        };
        let Some(caller) = principal else {
            return matches!(rule, Rule::Anonymous);
        };
        self.superuser_role.is_some_and(|role| caller.has_role(role))
            || match rule {
                Rule::Anonymous | Rule::Authenticated => true,
                Rule::AnyScope(any_of, _) => any_of.iter().any(|scope| caller.scopes.grants(scope)),
                Rule::Role(role) => caller.has_role(role),
            }
    }

    /// Checks that the caller may use `name`.
    ///
    /// # Errors
    /// -32001, with the missing scope if one would help. Without a caller it says the same whatever the rule is.
    pub fn authorize(&self, name: &str, principal: Option<&Principal>) -> MethodResult<()> {
        if self.is_allowed(name, principal) {
            return Ok(());
        }
        if principal.is_none() {
            let error = ErrorObject::forbidden("authentication required".to_owned());
            let authentication_required = Some(AuthenticationRequired);
            return Err(MethodError { authentication_required, ..error.into() });
        }
        match self.rules.get(name) {
            Some(Rule::AnyScope(any_of, what)) => {
                let error = ErrorObject::forbidden(format!("Insufficient permissions for {what}"));
                let required = ScopeSet::from([any_of[0]]);
                let insufficient_scope = Some(InsufficientScope { required });
                Err(MethodError { insufficient_scope, ..error.into() })
            }
            Some(Rule::Role(role)) => {
                Err(ErrorObject::forbidden(format!("{name} requires the role {role}")).into())
            }
            _ => Err(ErrorObject::forbidden(format!("no policy rule allows {name}")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    #[test]
    fn scopes_and_roles_allow_what_their_rules_name_and_nothing_else() {
        let policy = Policy::new()
            .allow_anonymous(["initialize"])
            .allow_authenticated(["ping"])
            .require_any_scope("tools/list", ["mcp:read", "mcp:tools"], "tools access")
            .require_any_scope("tools/call", ["mcp:tools"], "tool execution")
            .require_any_scope("echo", ["mcp:tools:echo"], "tool execution")
            .require_role("audit", "auditor")
            .grant_all_to_role("admin");
        let alice = test_support::principal("alice", "mcp:tools", &["user"]);
        let bob = test_support::principal("bob", "mcp:read", &["user", "administrator"]);
        let carol = test_support::principal("carol", "mcp:tools:echo", &["auditor"]);
        let admin = test_support::principal("admin", "", &["admin"]);
        for (caller, name, expected) in [
            (Some(&alice), "tools/list", Ok(())),
            (Some(&alice), "tools/call", Ok(())),
            (Some(&alice), "echo", Ok(())),
            (Some(&alice), "audit", Err(None)),
            (Some(&bob), "tools/list", Ok(())),
            (Some(&bob), "tools/call", Err(Some("mcp:tools"))),
            (Some(&bob), "echo", Err(Some("mcp:tools:echo"))),
            (Some(&carol), "echo", Ok(())),
            (Some(&carol), "tools/call", Err(Some("mcp:tools"))),
            (Some(&carol), "audit", Ok(())),
            (Some(&admin), "tools/call", Ok(())),
            (Some(&admin), "audit", Ok(())),
            (Some(&admin), "secrets/read", Err(None)),
            (Some(&bob), "initialize", Ok(())),
            (None, "initialize", Ok(())),
            // Who has no token is asked for one, not for a scope (RFC 6750, 3.1).
            (None, "ping", Err(None)),
            (None, "tools/list", Err(None)),
            (None, "audit", Err(None)),
            (None, "secrets/read", Err(None)),
        ] {
            let result = policy.authorize(name, caller).map_err(|error| {
                assert_eq!(error.authentication_required.is_some(), caller.is_none(), "{name}");
                error.insufficient_scope.map(|InsufficientScope { required }| required.to_string())
            });
            assert_eq!(result, expected.map_err(|scope| scope.map(str::to_owned)), "{name}");
            assert_eq!(policy.is_allowed(name, caller), expected.is_ok(), "{name}");
        }
    }

    #[test]
    #[should_panic(expected = "two rules for tools/call")]
    fn a_name_has_one_rule() {
        let _ =
            Policy::new().require_role("tools/call", "admin").allow_authenticated(["tools/call"]);
    }
}
