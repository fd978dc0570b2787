//! Grants: authorization codes and refresh tokens.
//!
//! Specs: RFC 6749 sections 4.1.2 and 10.5 (a code works once; a second use revokes what the first gave), OAuth 2.1
//! section 4.3.1 and RFC 9700 section 4.14.2 (refresh tokens rotate, a replay revokes the grant).
//!
//! A rotated refresh token still works for a short grace period and gets the same successor again: two requests of one
//! client may run in parallel, or an answer may get lost. There is only ever one newest token, so the chain never
//! forks, and a replay after the grace period or after the successor was used revokes the grant.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    accounts::Account,
    revocation::{self, RevokedGrants},
};
use crate::{
    authorization_server::{
        secret::{self, SecretHash},
        ttl_map::TtlMap,
    },
    principal::ScopeSet,
};

/// Seconds.
const CODE_TTL: u64 = 60;
/// How long a refresh token may stay unused, in seconds: two weeks.
const REFRESH_TOKEN_TTL: u64 = 14 * 24 * 3600;
const MAX_CODES: usize = 10_000;
const MAX_REFRESH_TOKENS: usize = 10_000;

/// What a user has allowed a client.
#[derive(Debug, PartialEq)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) account: Arc<Account>,
    pub(crate) scopes: ScopeSet,
    pub(crate) resources: Vec<String>,
    /// Whether a refresh token was asked for and allowed.
    pub(crate) offline: bool,
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: Arc<Grant>,
    pub(crate) redirect_uri: String,
    /// The S256 challenge.
    pub(crate) challenge: String,
    /// The key that the code is bound to (RFC 9449, 10).
    pub(crate) dpop_jkt: Option<String>,
}

/// The newest refresh token of a grant, and the one before it.
#[derive(Debug)]
struct RefreshToken {
    grant: Arc<Grant>,
    /// The key of a public client that the token is bound to (RFC 9449, 5).
    key_thumbprint: Option<String>,
    current: SecretHash,
    /// The previous token, and when it was rotated.
    previous: Option<(SecretHash, u64)>,
}

#[derive(Debug)]
struct State {
    codes: TtlMap<Code>,
    /// The grants of used codes, by code. A map of their own, so that they never evict an unused code.
    used_codes: TtlMap<String>,
    refresh_tokens: TtlMap<RefreshToken>,
}

/// All grants, behind one lock: a revocation must not overlap with the issue of a token.
#[derive(Debug)]
pub(crate) struct Grants {
    state: Mutex<State>,
    revoked: RevokedGrants,
    /// Derives the next refresh token from the one before, so that the same one can be sent again.
    key: hmac::Key,
    access_token_lifetime: u64,
    refresh_grace: u64,
}

/// Why a code or a refresh token is not accepted.
#[derive(Debug, PartialEq)]
pub(crate) enum InvalidGrant {
    /// Never issued, expired or revoked.
    Unknown,
    /// It was used before. Everything that came of its grant is revoked now.
    Replayed,
}

impl Grants {
    /// Both times are in seconds.
    pub(crate) fn new(
        access_token_lifetime: u64,
        refresh_grace: u64,
        revoked: RevokedGrants,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                codes: TtlMap::new(MAX_CODES),
                used_codes: TtlMap::new(MAX_CODES),
                refresh_tokens: TtlMap::new(MAX_REFRESH_TOKENS),
            }),
            revoked,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret::random().as_bytes()),
            access_token_lifetime,
            refresh_grace,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// A code for one use within a minute.
    pub(crate) fn issue_code(&self, code: Code, now: u64) -> String {
        let secret = secret::random();
        self.lock().codes.insert(secret.clone(), code, now + CODE_TTL, now);
        secret
    }

    /// The grant of an unused code, which stays unused: to validate a request before the code is used up.
    pub(crate) fn peek_code(&self, code: &str, now: u64) -> Option<Arc<Grant>> {
        self.lock().codes.get(code, now).map(|code| Arc::clone(&code.grant))
    }

    /// What the code stands for. The code is used up.
    ///
    /// # Errors
    /// When it is unknown, expired, or was used before.
    pub(crate) fn redeem(&self, code: &str, now: u64) -> Result<Code, InvalidGrant> {
        let mut state = self.lock();
        if let Some(grant_id) = state.used_codes.remove(code, now) {
            self.revoke_replayed(&mut state, &grant_id, now);
            return Err(InvalidGrant::Replayed);
        }
        let redeemed = state.codes.remove(code, now).ok_or(InvalidGrant::Unknown)?;
        // Kept as long as the tokens that it gives can live.
        let lifetime =
            if redeemed.grant.offline { REFRESH_TOKEN_TTL } else { self.access_token_lifetime };
        state.used_codes.insert(code.to_owned(), redeemed.grant.id.clone(), now + lifetime, now);
        Ok(redeemed)
    }

    /// The first refresh token of a grant, bound to a key or not; `None` when the grant was revoked in the meantime.
    pub(crate) fn issue_refresh_token(
        &self,
        grant: &Arc<Grant>,
        key_thumbprint: Option<String>,
        now: u64,
    ) -> Option<String> {
        let mut state = self.lock();
        if self.revoked.contains(&grant.id, now) {
            return None;
        }
        let secret = secret::random();
        let entry = RefreshToken {
            grant: Arc::clone(grant),
            key_thumbprint,
            current: SecretHash::of(&secret),
            previous: None,
        };
        state.refresh_tokens.insert(grant.id.clone(), entry, now + REFRESH_TOKEN_TTL, now);
        Some(format!("{}.{secret}", grant.id))
    }

    /// The grant of a valid refresh token, and the key that the token is bound to.
    ///
    /// # Errors
    /// When the token is not valid, or belongs to another client.
    pub(crate) fn grant_of(
        &self,
        token: &str,
        client_id: &str,
        now: u64,
    ) -> Result<(Arc<Grant>, Option<String>), InvalidGrant> {
        let mut state = self.lock();
        let (entry, _) = self.validate(&mut state, token, client_id, now)?;
        Ok((Arc::clone(&entry.grant), entry.key_thumbprint.clone()))
    }

    /// The successor of a valid refresh token.
    ///
    /// # Errors
    /// When the token is not valid, or belongs to another client.
    pub(crate) fn rotate(
        &self,
        token: &str,
        client_id: &str,
        now: u64,
    ) -> Result<String, InvalidGrant> {
        let mut state = self.lock();
        let (entry, secret) = self.validate(&mut state, token, client_id, now)?;
        let successor = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, secret.as_bytes()));
        let grant = Arc::clone(&entry.grant);
        if entry.current.matches(secret) {
            let entry = RefreshToken {
                grant: Arc::clone(&grant),
                key_thumbprint: entry.key_thumbprint.clone(),
                current: SecretHash::of(&successor),
                previous: Some((SecretHash::of(secret), now)),
            };
            state.refresh_tokens.insert(grant.id.clone(), entry, now + REFRESH_TOKEN_TTL, now);
        }
        Ok(format!("{}.{successor}", grant.id))
    }

    /// Either the client or a thief sent a used refresh token, and nobody can tell which: the grant is revoked.
    fn validate<'s, 't>(
        &self,
        state: &'s mut State,
        token: &'t str,
        client_id: &str,
        now: u64,
    ) -> Result<(&'s RefreshToken, &'t str), InvalidGrant> {
        let (grant_id, secret) = token.split_once('.').ok_or(InvalidGrant::Unknown)?;
        let entry = state.refresh_tokens.get(grant_id, now).ok_or(InvalidGrant::Unknown)?;
        let in_grace = |(previous, rotated_at): &(SecretHash, u64)| {
            now.saturating_sub(*rotated_at) < self.refresh_grace && previous.matches(secret)
        };
        let valid = entry.current.matches(secret) || entry.previous.as_ref().is_some_and(in_grace);
        if !valid || entry.grant.client_id != client_id {
            self.revoke_replayed(state, grant_id, now);
            return Err(InvalidGrant::Replayed);
        }
        let entry = state.refresh_tokens.get(grant_id, now).ok_or(InvalidGrant::Unknown)?;
        Ok((entry, secret))
    }

    /// Whether a grant was revoked.
    pub(crate) fn is_revoked(&self, grant_id: &str, now: u64) -> bool {
        self.revoked.contains(grant_id, now)
    }

    /// The client that a refresh token was issued to, if it is the newest of its grant or the one before: a client that did
    /// not receive the newest must be able to revoke the grant (RFC 7009, 2.1).
    pub(crate) fn owner_of(&self, token: &str, now: u64) -> Option<String> {
        let (grant_id, secret) = token.split_once('.')?;
        let mut state = self.lock();
        let entry = state.refresh_tokens.get(grant_id, now)?;
        let is_previous =
            entry.previous.as_ref().is_some_and(|previous| previous.0.matches(secret));
        (entry.current.matches(secret) || is_previous).then(|| entry.grant.client_id.clone())
    }

    /// Revokes the grant with this public name: its refresh token and all its access tokens (RFC 7009, 2.1).
    pub(crate) fn revoke(&self, name: &str, now: u64) {
        let mut state = self.lock();
        state.refresh_tokens.remove_if(|grant_id| revocation::public_name(grant_id) == name);
        self.revoked.add(name, now + self.access_token_lifetime, now);
    }

    fn revoke_replayed(&self, state: &mut State, grant_id: &str, now: u64) {
        tracing::warn!("code or refresh token replayed, grant revoked");
        state.refresh_tokens.remove(grant_id, now);
        let name = revocation::public_name(grant_id);
        self.revoked.add(&name, now + self.access_token_lifetime, now);
    }
}
