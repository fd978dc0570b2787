//! What a caller may do: scopes and roles for methods, or for single tools; and a role that may do everything.
//!
//! Rules: RFC 6749 section 3.3 (scopes), RFC 6750 section 3.1 (`insufficient_scope`), MCP 2025-11-25 authorization,
//! "Scope Challenge Handling".

use std::collections::BTreeMap;

use crate::{
    jsonrpc::ErrorObject,
    principal::{InsufficientScope, Principal, ScopeSet},
};

use super::dispatcher::MethodError;

/// Who may use what, by name. Whatever it does not mention, nobody may.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: BTreeMap<&'static str, Rule>,
    role: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Rule {
    Open,
    /// Any one of these scopes; the text is what a refusal calls it.
    Scopes(Vec<&'static str>, &'static str),
    Role(&'static str),
}

impl Policy {
    /// Allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What every verified caller may use.
    #[must_use]
    pub fn open<const N: usize>(mut self, names: [&'static str; N]) -> Self {
        self.rules.extend(names.map(|name| (name, Rule::Open)));
        self
    }

    /// Any one of these scopes is enough for `name`; the first is the one that a challenge asks for. `what` is what a
    /// refusal calls it: `Insufficient permissions for …`.
    #[must_use]
    pub fn allow<const N: usize>(
        mut self,
        name: &'static str,
        any_of: [&'static str; N],
        what: &'static str,
    ) -> Self {
        assert!(N > 0, "use `open` for what needs no scope");
        self.rules.insert(name, Rule::Scopes(any_of.to_vec(), what));
        self
    }

    /// Only a role opens `name`. No scope would help, so a refusal asks for none.
    #[must_use]
    pub fn only_role(mut self, name: &'static str, role: &'static str) -> Self {
        self.rules.insert(name, Rule::Role(role));
        self
    }

    /// Whoever has exactly this role may do everything that is mentioned.
    #[must_use]
    pub fn allow_role(self, role: &'static str) -> Self {
        Self { role: Some(role), ..self }
    }

    /// Whether the caller may use `name`.
    pub(crate) fn permits(&self, name: &str, principal: Option<&Principal>) -> bool {
        let Some(rule) = self.rules.get(name) else {
            return false;
        };
        let has = |role: &str| principal.is_some_and(|principal| principal.has_role(role));
        let holds = |scope: &str| principal.is_some_and(|caller| caller.scopes.holds(scope));
        self.role.is_some_and(has)
            || match rule {
                Rule::Open => true,
                Rule::Scopes(any_of, _) => any_of.iter().any(|scope| holds(scope)),
                Rule::Role(role) => has(role),
            }
    }

    /// The refusal, if the caller may not use `name`.
    pub(crate) fn check(
        &self,
        name: &str,
        principal: Option<&Principal>,
    ) -> Result<(), MethodError> {
        if self.permits(name, principal) {
            return Ok(());
        }
        match self.rules.get(name) {
            Some(Rule::Scopes(any_of, what)) => Err(MethodError {
                error: ErrorObject::forbidden(format!("Insufficient permissions for {what}")),
                insufficient_scope: Some(InsufficientScope {
                    required: ScopeSet::from([any_of[0]]),
                }),
            }),
            Some(Rule::Role(role)) => {
                Err(ErrorObject::forbidden(format!("{name} is for the role {role}")).into())
            }
            _ => Err(ErrorObject::forbidden(format!("{name} is not open to anyone")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_roles_open_what_they_name_and_nothing_else() {
        let policy = Policy::new()
            .open(["ping"])
            .allow("tools/list", ["mcp:read", "mcp:tools"], "tools access")
            .allow("tools/call", ["mcp:tools"], "tool execution")
            .allow("echo", ["mcp:tools:echo"], "tool execution")
            .only_role("audit", "auditor")
            .allow_role("admin");
        let alice = Principal::for_test("alice", "mcp:tools", &["user"]);
        let bob = Principal::for_test("bob", "mcp:read", &["user", "administrator"]);
        let carol = Principal::for_test("carol", "mcp:tools:echo", &["auditor"]);
        let admin = Principal::for_test("admin", "", &["admin"]);
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
            (None, "ping", Ok(())),
            (None, "tools/list", Err(Some("mcp:read"))),
        ] {
            let answer = policy.check(name, caller).map_err(|refusal| {
                refusal
                    .insufficient_scope
                    .map(|InsufficientScope { required }| required.to_string())
            });
            assert_eq!(answer, expected.map_err(|scope| scope.map(str::to_owned)), "{name}");
            assert_eq!(policy.permits(name, caller), expected.is_ok(), "{name}");
        }
    }
}
