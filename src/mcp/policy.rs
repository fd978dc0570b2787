//! What a caller may do: scopes for methods, and a role that may do everything.
//!
//! Rules: RFC 6749 section 3.3 (scopes), RFC 6750 section 3.1 (`insufficient_scope`), MCP 2025-11-25 authorization,
//! "Scope Challenge Handling".

use std::collections::HashMap;

use crate::{
    jsonrpc::ErrorObject,
    principal::{InsufficientScope, Principal, ScopeSet},
};

use super::dispatcher::MethodError;

/// Who may call which method. Whatever it does not mention, nobody may.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: HashMap<&'static str, Rule>,
    role: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Rule {
    any_of: Vec<&'static str>,
    what: &'static str,
}

impl Policy {
    /// Allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Methods that every verified caller may use.
    #[must_use]
    pub fn open<const N: usize>(mut self, methods: [&'static str; N]) -> Self {
        self.rules.extend(methods.map(|method| (method, Rule { any_of: Vec::new(), what: "" })));
        self
    }

    /// Any one of these scopes is enough for `method`; the first is the one that a challenge asks for. `what` is
    /// what a refusal calls it: `Insufficient permissions for …`.
    #[must_use]
    pub fn allow<const N: usize>(
        mut self,
        method: &'static str,
        any_of: [&'static str; N],
        what: &'static str,
    ) -> Self {
        assert!(N > 0, "use `open` for a method that needs no scope");
        self.rules.insert(method, Rule { any_of: any_of.to_vec(), what });
        self
    }

    /// Whoever has exactly this role may do everything that is mentioned.
    #[must_use]
    pub fn allow_role(self, role: &'static str) -> Self {
        Self { role: Some(role), ..self }
    }

    /// Whether the caller may use `method`.
    pub(crate) fn check(
        &self,
        method: &str,
        principal: Option<&Principal>,
    ) -> Result<(), MethodError> {
        let rule = self
            .rules
            .get(method)
            .ok_or_else(|| ErrorObject::forbidden(format!("{method} is not open to anyone")))?;
        if rule.any_of.is_empty() || self.is_privileged(principal) {
            return Ok(());
        }
        let held = |scope: &&str| principal.is_some_and(|principal| principal.scopes.holds(scope));
        if rule.any_of.iter().any(held) {
            return Ok(());
        }
        Err(MethodError {
            error: ErrorObject::forbidden(format!("Insufficient permissions for {}", rule.what)),
            insufficient_scope: Some(InsufficientScope {
                required: ScopeSet::from([rule.any_of[0]]),
            }),
        })
    }

    fn is_privileged(&self, principal: Option<&Principal>) -> bool {
        self.role.zip(principal).is_some_and(|(role, principal)| principal.has_role(role))
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
            .allow_role("admin");
        let alice = Principal::for_test("alice", "mcp:tools", &["user"]);
        let bob = Principal::for_test("bob", "mcp:read", &["user", "administrator"]);
        let admin = Principal::for_test("admin", "", &["admin"]);
        for (caller, method, expected) in [
            (Some(&alice), "tools/list", Ok(())),
            (Some(&alice), "tools/call", Ok(())),
            (Some(&bob), "tools/list", Ok(())),
            (Some(&bob), "tools/call", Err(Some("mcp:tools"))),
            (Some(&admin), "tools/call", Ok(())),
            (Some(&admin), "secrets/read", Err(None)),
            (None, "ping", Ok(())),
            (None, "tools/list", Err(Some("mcp:read"))),
        ] {
            let answer = policy.check(method, caller).map_err(|refusal| {
                refusal
                    .insufficient_scope
                    .map(|InsufficientScope { required }| required.to_string())
            });
            assert_eq!(answer, expected.map_err(|scope| scope.map(str::to_owned)), "{method}");
        }
    }
}
