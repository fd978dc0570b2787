//! The people of the demonstration. Their passwords are no secret: the login page shows them.

use super::{secret::Fingerprint, throttle::Throttle};
use crate::principal::ScopeSet;

/// Someone who can log in.
#[derive(Debug, PartialEq)]
pub(super) struct Account {
    pub(super) name: &'static str,
    pub(super) password: &'static str,
    /// What this person may do, and so may let a client do.
    pub(super) scopes: &'static [&'static str],
    pub(super) roles: &'static [&'static str],
}

/// Alice, Bob and admin hold what the token generator gives them; guest may log in and nothing else.
pub(super) static ACCOUNTS: [Account; 4] = [
    Account {
        name: "alice",
        password: "alice123",
        scopes: &["mcp:read", "mcp:tools"],
        roles: &["user"],
    },
    Account {
        name: "bob",
        password: "bob123",
        scopes: &["mcp:read", "mcp:prompts"],
        roles: &["user"],
    },
    Account {
        name: "admin",
        password: "admin123",
        scopes: &["mcp:read", "mcp:tools", "mcp:prompts"],
        roles: &["user", "admin"],
    },
    Account { name: "guest", password: "guest123", scopes: &[], roles: &["user"] },
];

impl Account {
    /// Whether this person may let a client do `scope`.
    pub(super) fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().copied().collect::<ScopeSet>().holds(scope)
    }

    /// `sub`, as the token generator writes it.
    pub(super) fn subject(&self) -> String {
        format!("user_{}", self.name)
    }
}

/// Why a login was refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum LoginError {
    /// The same words for a wrong name and a wrong password.
    #[error("This name and password do not belong together.")]
    Wrong,
    #[error("Too many attempts. Try again in {0} s.")]
    Wait(u64),
}

/// The account of this name and password.
pub(super) fn log_in(
    throttle: &Throttle,
    name: &str,
    password: &str,
    now: u64,
) -> Result<&'static Account, LoginError> {
    let account = ACCOUNTS.iter().find(|account| account.name == name);
    // All unknown names are one name: inventing names costs no memory and gains no attempts.
    let counted = account.map_or("", |account| account.name);
    throttle.attempt(counted, now).map_err(LoginError::Wait)?;
    let kept = Fingerprint::of(account.map_or("", |account| account.password));
    match account {
        Some(account) if kept.matches(password) => {
            throttle.forget(counted, now);
            Ok(account)
        }
        _ => Err(LoginError::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_needs_the_right_name_and_password_and_some_patience() {
        let throttle = Throttle::new();
        let try_with = |name, password| log_in(&throttle, name, password, 0);
        assert_eq!(try_with("alice", "alice123").unwrap().subject(), "user_alice");
        for (name, password) in [
            ("alice", "bob123"),
            ("alice", ""),
            ("alice", "alice1234"),
            ("Alice", "alice123"),
            ("mallory", ""),
            ("", ""),
        ] {
            assert_eq!(try_with(name, password), Err(LoginError::Wrong), "{name}");
        }
        assert!(try_with("alice", "wrong").is_err() && try_with("alice", "wrong").is_err());
        assert_eq!(try_with("alice", "alice123"), Err(LoginError::Wait(1)));
        assert!(log_in(&throttle, "alice", "alice123", 1).is_ok());
        assert!(try_with("bob", "bob123").is_ok(), "bob is not concerned");
    }
}
