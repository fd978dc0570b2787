//! The scopes that clients may ask for, and what the consent page says about each.
//!
//! Specs: RFC 6749 section 3.3 (characters of a scope), OpenID Connect Core 1.0 section 11 (`offline_access`). Only a
//! scope that this server knows is registered, shown and signed: a scope with a tab in it would look like one scope
//! to the user and like two to a verifier that splits at white space.

use std::borrow::Cow;

use crate::principal::ScopeSet;

/// Asks for a refresh token.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";
/// Asks for the user's roles: without it a token carries none, so that a client cannot do more than the user allowed.
pub(super) const ADMIN: &str = "mcp:admin";
/// The role that an account needs to grant [`ADMIN`].
pub(super) const ADMIN_ROLE: &str = "admin";
const TOOLS: &str = "mcp:tools";

/// The scopes of the resources, those of single tools, and two of this server's own.
#[derive(Debug, Clone, Default)]
pub(super) struct SupportedScopes {
    resources: ScopeSet,
    tools: ScopeSet,
}

impl SupportedScopes {
    pub(super) fn add(&mut self, scopes: impl IntoIterator<Item = String>) {
        let valid: ScopeSet = scopes.into_iter().filter(|scope| is_scope_token(scope)).collect();
        self.resources = self.resources.union(&valid);
    }

    /// Adds `mcp:tools:NAME` for each tool.
    pub(super) fn add_tools(&mut self, names: impl IntoIterator<Item = String>) {
        let scopes = names.into_iter().map(|name| format!("{TOOLS}:{name}"));
        let valid: ScopeSet = scopes.filter(|scope| is_scope_token(scope)).collect();
        self.tools = self.tools.union(&valid);
    }

    /// `scopes_supported`, and what a client that names no scope is registered for. Scopes of single tools are left
    /// out: `mcp:tools` includes them.
    pub(super) fn advertised(&self) -> ScopeSet {
        self.resources.union(&ScopeSet::from([ADMIN, OFFLINE_ACCESS]))
    }

    pub(super) fn contains(&self, scope: &str) -> bool {
        let known = self.resources.iter().chain(self.tools.iter()).chain([ADMIN, OFFLINE_ACCESS]);
        known.into_iter().any(|known| known == scope)
    }
}

/// `scope-token` (RFC 6749, 3.3): printable ASCII without space, `"` and `\`.
fn is_scope_token(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
}

/// What the consent page says about a scope.
pub(super) fn description(scope: &str) -> Cow<'static, str> {
    match scope {
        "mcp:read" => "List tools and prompts, read resources".into(),
        TOOLS => "Call all tools".into(),
        "mcp:prompts" => "Use the prompts".into(),
        ADMIN => "Act as an administrator: with your roles it may do everything".into(),
        OFFLINE_ACCESS => "Stay connected without asking you again".into(),
        _ => match scope.strip_prefix(TOOLS).and_then(|rest| rest.strip_prefix(':')) {
            Some(tool) => format!("Call the tool “{tool}”").into(),
            None => "As the resource defines it".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_scopes_of_plain_ascii_are_supported() {
        let mut scopes = SupportedScopes::default();
        scopes.add(["mcp:read", "mcp:tools", "bad\tscope", "bad\"scope"].map(str::to_owned));
        scopes.add_tools(["echo", "two words", "tab\t", "\u{202e}ohce"].map(str::to_owned));
        for (scope, expected) in [
            ("mcp:read", true),
            ("mcp:tools:echo", true),
            ("mcp:admin", true),
            ("offline_access", true),
            ("mcp:tools:other", false),
            ("mcp:read:echo", false),
            ("mcp:read:x\tmcp:tools", false),
            ("mcp:tools:echo:twice", false),
            ("bad\tscope", false),
            ("bad\"scope", false),
            ("mcp:tools:two words", false),
            ("mcp:tools:tab\t", false),
            ("mcp:tools:\u{202e}ohce", false),
            ("", false),
        ] {
            assert_eq!(scopes.contains(scope), expected, "{scope:?}");
        }
        assert_eq!(
            scopes.advertised().to_string(),
            "mcp:admin mcp:read mcp:tools offline_access",
            "not those of single tools"
        );
    }
}
