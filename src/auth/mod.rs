//! Authentication and authorization: who is calling, and may they?
//!
//! Knows nothing of MCP's methods. The two meet in the step files only.
//!
//! Who can sign, whom we believe, and what of a token is left behind the wall:
//!
//! ```
//! use mcp_auth::auth::{keys::KeyPair, verifier::{TokenVerifier, TrustedIssuer}};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("mcp-auth-example-{}", std::process::id()));
//! let keys = KeyPair::load_or_create(&folder)?;
//! # std::fs::remove_dir_all(&folder)?;
//! let jwks = keys.jwks();
//! let verifier = TokenVerifier::new().trust(TrustedIssuer::new("me", ["my-api"], &jwks));
//!
//! let claims = json!({"iss": "me", "aud": "my-api", "sub": "ada", "exp": 4_000_000_000_u64, "scope": "read"});
//! let principal = verifier.verify(&keys.sign("at+jwt", &claims)?).await?;
//! assert!(principal.scopes.holds("read"));
//!
//! let elsewhere = json!({"iss": "me", "aud": "another-api", "sub": "ada", "exp": 4_000_000_000_u64});
//! let refused = verifier.verify(&keys.sign("at+jwt", &elsewhere)?).await.unwrap_err();
//! assert_eq!(refused.detail(), "Invalid token audience");
//! # Ok(())
//! # }
//! ```

pub mod bearer;
pub mod challenge;
pub mod claims;
pub mod introspection;
pub mod jwks;
pub mod keys;
mod members;
pub mod metadata;
pub mod provider;
pub mod remote_jwks;
pub mod token_cache;
pub mod verifier;
