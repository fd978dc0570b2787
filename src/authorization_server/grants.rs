//! What people have let clients do: authorization codes, and the refresh tokens that grow from them.
//!
//! Rules: RFC 6749 sections 4.1.2 and 10.5 (codes live shortly, once, and a second use takes back what the first
//! gave), OAuth 2.1 section 4.3.1 (refresh tokens rotate; a used one ends its family), RFC 9700 section 4.14.

use std::sync::{Arc, Mutex};

use super::{
    accounts::Account,
    expiring::Expiring,
    secret::{self, Fingerprint},
    withdrawn::Withdrawn,
};
use crate::principal::ScopeSet;

/// How long a code may be used, in seconds.
const CODE: u64 = 60;
/// How long a family may sleep, in seconds: two weeks.
const FAMILY: u64 = 14 * 24 * 3600;
const CODES: usize = 10_000;
const FAMILIES: usize = 10_000;

/// A person's decision, from which all tokens follow.
#[derive(Debug, PartialEq)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) account: &'static Account,
    pub(super) scopes: ScopeSet,
    pub(super) resources: Vec<String>,
    /// Whether a refresh token was asked for and allowed.
    pub(super) offline: bool,
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Arc<Grant>,
    pub(super) redirect_uri: String,
    /// The S256 challenge.
    pub(super) challenge: String,
}

#[derive(Debug)]
struct Family {
    grant: Arc<Grant>,
    /// The one refresh token that is good now.
    current: Fingerprint,
}

#[derive(Debug)]
struct State {
    codes: Expiring<Code>,
    /// What codes gave that were used, by the code. Kept apart, so that they never take a fresh one's place.
    used: Expiring<String>,
    families: Expiring<Family>,
}

impl State {
    fn new_refresh_token(&mut self, grant: &Arc<Grant>, now: u64) -> String {
        let secret = secret::random();
        let token = format!("{}.{secret}", grant.id);
        let family = Family { grant: Arc::clone(grant), current: Fingerprint::of(&secret) };
        self.families.insert(grant.id.clone(), family, now + FAMILY, now);
        token
    }
}

/// All grants. One lock: taking back must not run beside giving.
#[derive(Debug)]
pub(super) struct Grants {
    state: Mutex<State>,
    withdrawn: Withdrawn,
    /// How long an access token lives, in seconds: so long must it be remembered that one was taken back.
    lifetime: u64,
}

/// Why a code or a refresh token is worth nothing.
#[derive(Debug, PartialEq)]
pub(super) enum Worthless {
    /// Never given, expired, or for somebody else.
    Unknown,
    /// Good once; now everything that came of it is taken back.
    Replayed,
}

impl Grants {
    pub(super) fn new(lifetime: u64, withdrawn: Withdrawn) -> Self {
        Self {
            state: Mutex::new(State {
                codes: Expiring::new(CODES),
                used: Expiring::new(CODES),
                families: Expiring::new(FAMILIES),
            }),
            withdrawn,
            lifetime,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic among grants")
    }

    /// A code for one use within a minute.
    pub(super) fn issue_code(&self, code: Code, now: u64) -> String {
        let name = secret::random();
        self.lock().codes.insert(name.clone(), code, now + CODE, now);
        name
    }

    /// What the code stands for; whatever comes of it, it is used now.
    ///
    /// # Errors
    /// When it is unknown, expired, or was used before.
    pub(super) fn redeem(&self, code: &str, now: u64) -> Result<Code, Worthless> {
        let mut state = self.lock();
        if let Some(grant_id) = state.used.remove(code, now) {
            self.take_back(&mut state, &grant_id, now);
            return Err(Worthless::Replayed);
        }
        let fresh = state.codes.remove(code, now).ok_or(Worthless::Unknown)?;
        // Remembered as long as what it gives can live.
        let lives = if fresh.grant.offline { FAMILY } else { self.lifetime };
        state.used.insert(code.to_owned(), fresh.grant.id.clone(), now + lives, now);
        Ok(fresh)
    }

    /// The first refresh token of a grant; none when the grant was taken back in the meantime.
    pub(super) fn start_family(&self, grant: &Arc<Grant>, now: u64) -> Option<String> {
        let mut state = self.lock();
        if self.withdrawn.contains(&grant.id, now) {
            return None;
        }
        Some(state.new_refresh_token(grant, now))
    }

    /// The grant behind a refresh token that is good now.
    ///
    /// # Errors
    /// When it is not good, or belongs to another client.
    pub(super) fn grant_of(
        &self,
        token: &str,
        client_id: &str,
        now: u64,
    ) -> Result<Arc<Grant>, Worthless> {
        self.check(&mut self.lock(), token, client_id, now)
    }

    /// The next refresh token in place of this one.
    ///
    /// # Errors
    /// When this one is no longer good: of two parallel uses, one is a replay.
    pub(super) fn rotate(
        &self,
        token: &str,
        client_id: &str,
        now: u64,
    ) -> Result<String, Worthless> {
        let mut state = self.lock();
        let grant = self.check(&mut state, token, client_id, now)?;
        Ok(state.new_refresh_token(&grant, now))
    }

    /// A refresh token that was good once ends its family: either the client or a thief holds an old one, and
    /// nobody can tell which.
    fn check(
        &self,
        state: &mut State,
        token: &str,
        client_id: &str,
        now: u64,
    ) -> Result<Arc<Grant>, Worthless> {
        let (grant_id, secret) = token.split_once('.').ok_or(Worthless::Unknown)?;
        let family = state.families.get(grant_id, now).ok_or(Worthless::Unknown)?;
        if family.current.matches(secret) && family.grant.client_id == client_id {
            return Ok(Arc::clone(&family.grant));
        }
        self.take_back(state, grant_id, now);
        Err(Worthless::Replayed)
    }

    /// Whether a grant was taken back.
    pub(super) fn is_withdrawn(&self, grant_id: &str, now: u64) -> bool {
        self.withdrawn.contains(grant_id, now)
    }

    fn take_back(&self, state: &mut State, grant_id: &str, now: u64) {
        tracing::warn!("a code or refresh token came twice: everything that it gave is taken back");
        state.families.remove(grant_id, now);
        self.withdrawn.add(grant_id, now + self.lifetime, now);
    }
}
