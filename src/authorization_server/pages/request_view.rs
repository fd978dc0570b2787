//! What the pages show of an authorization request, and its fingerprint.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    authorization_server::state::clients::{Client, Provenance},
    principal::ScopeSet,
};

/// An authorization request as the user sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestView<'a> {
    pub(crate) client: &'a Client,
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a ScopeSet,
    pub(crate) resources: &'a [String],
    pub(crate) query: &'a str,
}

/// Everything that decides what consent means.
#[derive(Serialize)]
struct Shown<'a> {
    client_id: &'a str,
    client_name: &'a str,
    provenance: Provenance,
    redirect_uri: &'a str,
    scopes: &'a ScopeSet,
    resources: &'a [String],
    /// With `state` and `code_challenge`, which go with the code.
    query: &'a str,
}

impl RequestView<'_> {
    /// A hash over all of it. The forms are bound to it: a metadata document that changes between the page and the
    /// answer must not change what the user allows, and to whom.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        let shown = Shown {
            client_id: &self.client.id,
            client_name: &self.client.name,
            provenance: self.client.provenance,
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            resources: self.resources,
            query: self.query,
        };
        let bytes = serde_json::to_vec(&shown).expect("strings are serializable");
        Sha256::digest(bytes).to_vec()
    }
}
