//! `whoami` and `tutorial://me`: what the server knows of the caller.

use std::{
    collections::BTreeSet,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    mcp::{
        resources::Resource,
        tools::{Tool, ToolError},
    },
    principal::Principal,
};

use super::arguments::NoArguments;

/// The caller, as the access token describes them.
#[derive(Debug, Serialize, JsonSchema)]
struct Identity {
    /// A display name
    name: String,
    /// Stable and unique at the issuer
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The OAuth client that holds the token
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The issuer of the token
    issuer: String,
    /// What the token may be used for
    scopes: Vec<String>,
    /// The roles of the user
    roles: BTreeSet<String>,
}

impl From<&Principal> for Identity {
    fn from(caller: &Principal) -> Self {
        Self {
            name: caller.display_name.clone(),
            subject: caller.subject.clone(),
            client: caller.client_id.clone(),
            issuer: caller.issuer.clone(),
            scopes: caller.scopes.iter().map(str::to_owned).collect(),
            roles: caller.roles.clone(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct WhoAmI {
    #[serde(flatten)]
    identity: Identity,
    /// Seconds until the token expires
    #[schemars(with = "i64")]
    expires_in: u64,
}

impl fmt::Display for WhoAmI {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { name, issuer, scopes, .. } = &self.identity;
        let scopes = if scopes.is_empty() { "no scope" } else { &scopes.join(", ") };
        let expires_in = self.expires_in;
        write!(
            f,
            "You are {name}. Your token was issued by {issuer} for {scopes}. It expires in {expires_in} seconds."
        )
    }
}

/// `whoami`: what the access token tells about the caller.
pub fn whoami() -> Tool {
    let run = |_: NoArguments, caller: Option<Principal>| async move {
        let no_caller = || ToolError("nobody is authenticated; send an access token".to_owned());
        let caller = caller.ok_or_else(no_caller)?;
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        let expires_in = caller.expires_at.saturating_sub(now);
        Ok(WhoAmI { identity: Identity::from(&caller), expires_in })
    };
    Tool::new("whoami", "Who am I", "Return the caller's identity and permissions", run)
}

/// `tutorial://me`: the caller's profile.
pub fn profile() -> Resource {
    let names = ["profile", "Your profile", "Your identity, as the access token describes it"];
    Resource::new("tutorial://me", "application/json", names, |caller| {
        let profile = caller.map(Identity::from);
        serde_json::to_string_pretty(&profile).expect("a profile is serializable")
    })
}
