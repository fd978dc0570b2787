//! Tokens, signed with the key pair that every server of these tests has.

use std::{fs, sync::LazyLock};

use mcp_auth::auth::keys::KeyPair;
pub(crate) use mcp_auth::test_support::now;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::Server;

const FILES: [&str; 2] = ["mcp_private_key.pem", "mcp_public_key.pem"];

// Making a pair takes a good part of a second, so all servers get the same one.
static KEYS: LazyLock<(KeyPair, [String; 2])> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::create(folder.path()).expect("a key pair");
    let pem = FILES.map(|name| fs::read_to_string(folder.path().join(name)).expect("a file"));
    (pair, pem)
});

/// The key pair of every server of these tests.
pub(crate) fn key_pair() -> &'static KeyPair {
    &KEYS.0
}

/// Its private half as PEM, for signatures that it would never make by itself.
pub(crate) fn private_pem() -> &'static str {
    &KEYS.1[0]
}

/// Its public half as PEM.
pub(crate) fn public_pem() -> &'static str {
    &KEYS.1[1]
}

/// A new folder with a copy of the key pair.
pub(crate) fn key_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, pem) in FILES.iter().zip(&KEYS.1) {
        let path = folder.path().join(name);
        fs::write(&path, pem).expect("a copy");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode 0600");
        }
    }
    folder
}

/// The claims of a token as gen-token makes it, good for an hour.
pub(crate) fn claims(name: &str, scopes: &str) -> Value {
    let admin = name == "admin";
    json!({
        "iss": "mcp-simple-auth",
        "aud": "mcp-server",
        "sub": format!("user_{name}"),
        "iat": now(),
        "exp": now() + 3600,
        "preferred_username": name,
        "scope": scopes,
        "roles": if admin { vec!["user", "admin"] } else { vec!["user"] },
    })
}

impl Server {
    /// A good token for this person with these scopes.
    pub(crate) fn token(&self, name: &str, scopes: &str) -> String {
        let token = key_pair().sign("JWT", &claims(name, scopes)).expect("a token");
        super::note(&token);
        token
    }
}
