//! The users who can log in. Their passwords are no secret: the login page shows them.

use std::sync::Arc;

use crate::{
    authorization_server::{
        scopes::{ADMIN, ADMIN_ROLE},
        secret::SecretHash,
    },
    principal::ScopeSet,
};

/// A user of the development authorization server. The login page shows the password to everybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) scopes: ScopeSet,
    pub(crate) roles: Vec<String>,
}

impl Account {
    /// A user without scopes and roles: able to log in, and nothing else.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: password.into(),
            scopes: ScopeSet::default(),
            roles: Vec::new(),
        }
    }

    /// The scopes that the user holds, and so can grant to a client.
    #[must_use]
    pub fn scopes(self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..self }
    }

    /// The user's roles. A token carries them only if the user grants the scope `mcp:admin`, which needs the role
    /// `admin`.
    #[must_use]
    pub fn roles(self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { roles: roles.into_iter().map(Into::into).collect(), ..self }
    }

    /// alice, bob and admin hold what `gen-token` gives them by default; guest holds nothing.
    pub(crate) fn defaults() -> Vec<Self> {
        vec![
            Self::new("alice", "alice123").scopes(["mcp:read", "mcp:tools"]).roles(["user"]),
            Self::new("bob", "bob123").scopes(["mcp:read", "mcp:prompts"]).roles(["user"]),
            Self::new("admin", "admin123")
                .scopes(["mcp:read", "mcp:tools", "mcp:prompts"])
                .roles(["user", "admin"]),
            Self::new("guest", "guest123").roles(["user"]),
        ]
    }

    /// Whether this user can grant `scope`.
    pub(crate) fn can_grant(&self, scope: &str) -> bool {
        if scope == ADMIN {
            return self.roles.iter().any(|role| role == ADMIN_ROLE);
        }
        self.scopes.grants(scope)
    }

    /// `sub`, as `gen-token` writes it.
    pub(crate) fn subject(&self) -> String {
        format!("user_{}", self.name)
    }
}

/// The account with this name and password. An account with an empty password cannot log in.
pub(crate) fn authenticate<'a>(
    accounts: &'a [Arc<Account>],
    name: &str,
    password: &str,
) -> Option<&'a Arc<Account>> {
    let account = accounts.iter().find(|account| account.name == name);
    // An unknown name costs as much time as a wrong password.
    let expected = SecretHash::of(account.map_or("", |account| &account.password));
    account.filter(|_| expected.matches(password) && !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_needs_the_right_name_and_password() {
        let mut accounts = Account::defaults();
        accounts.push(Account::new("nopass", ""));
        let accounts: Vec<_> = accounts.into_iter().map(Arc::new).collect();
        let login = |name, password| authenticate(&accounts, name, password);
        assert_eq!(login("alice", "alice123").unwrap().subject(), "user_alice");
        for (name, password) in [
            ("alice", "bob123"),
            ("alice", ""),
            ("alice", "alice1234"),
            ("Alice", "alice123"),
            ("mallory", ""),
            ("", ""),
            ("nopass", ""),
        ] {
            assert_eq!(login(name, password), None, "{name}");
        }
    }

    #[test]
    fn only_the_role_admin_can_grant_the_admin_scope() {
        for (roles, expected) in
            [(&["user", "admin"][..], true), (&["user"], false), (&["administrator"], false)]
        {
            let account = Account::new("a", "b").scopes(["mcp:admin"]).roles(roles.iter().copied());
            assert_eq!(account.can_grant("mcp:admin"), expected, "{roles:?}");
        }
    }
}
