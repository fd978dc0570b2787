//! What the targets share: step 9 without a socket, its key, and a token of a person who may do everything.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, response::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Parser;
use http_body_util::BodyExt;
use mcp_auth::{auth::keys::KeyPair, config::Cli, program::ProgramInfo};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

#[allow(unused_imports)]
mod step9 {
    include!(concat!(env!("OUT_DIR"), "/step9.rs"));
}

/// A running step 9.
pub struct World {
    runtime: Runtime,
    router: Router,
    keys: KeyPair,
    /// A good token of an administrator.
    pub token: String,
}

/// The one world of a process.
pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let keys = KeyPair::create(folder.path()).expect("a key pair");
    let arguments = ["fuzz".as_ref(), "--keys-dir".as_ref(), folder.path().as_os_str()];
    let config = Cli::parse_from(arguments).into_config(ProgramInfo::default(), 9000);
    let router = runtime.block_on(step9::app(config)).expect("step 9");
    let token = keys.sign("JWT", &claims()).expect("a token");
    World { runtime, router, keys, token }
});

/// Claims that the verifier accepts.
pub fn claims() -> Value {
    json!({
        "iss": "mcp-simple-auth", "aud": "mcp-server", "sub": "user_admin", "exp": 4_000_000_000_u64,
        "preferred_username": "admin", "scope": "mcp:read mcp:tools mcp:prompts", "roles": ["admin"],
    })
}

impl World {
    /// Sends a request through the whole router.
    pub fn send(&self, request: Request<Body>) -> (Parts, Vec<u8>) {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("routers do not fail");
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
            // "Too many at once" is an answer, too.
            let failed =
                parts.status.is_server_error() && parts.status != StatusCode::SERVICE_UNAVAILABLE;
            assert!(!failed, "{parts:?} {}", String::from_utf8_lossy(&body));
            (parts, body)
        })
    }

    /// A token of these claims, signed by the key that the verifier trusts. `None` where there is nothing to sign.
    pub fn sign(&self, claims: &[u8]) -> Option<String> {
        let claims: Value = serde_json::from_slice(claims).ok()?;
        self.keys.sign("JWT", &claims).ok()
    }
}

/// `header.claims.signature` of whatever bytes.
pub fn unsigned(header: &[u8], claims: &[u8], signature: &[u8]) -> String {
    [header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}
