//! Is this token good, and whose is it?
//!
//! Rules: RFC 7519 section 7.2 (validation), RFC 7515 section 4.1.11 (`crit`), RFC 8725 (best current practices:
//! the key decides the algorithm, issuer and audience are checked, types are told apart), RFC 9068 section 4.
//!
//! Verified tokens are remembered for a short while, see [`TokenCache`](super::token_cache).

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::{SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Header, Validation, dangerous, decode, decode_header};
use metrics::Counter;

use crate::principal::Principal;

use super::{
    claims::{Claims, Dialect},
    jwks::{JwkSet, KeySet, VerificationKey},
    token_cache::TokenCache,
};

// Looked up once: the first of them is counted for almost every request.
static CACHED: LazyLock<Counter> = LazyLock::new(|| checks("cached"));
static VERIFIED: LazyLock<Counter> = LazyLock::new(|| checks("verified"));
static REFUSED: LazyLock<Counter> = LazyLock::new(|| checks("refused"));

fn checks(outcome: &'static str) -> Counter {
    metrics::counter!("token_checks_total", "outcome" => outcome)
}

/// Longer tokens are refused unread, in bytes.
const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// Someone whose tokens count here: a name, what its tokens must be meant for, and its keys. The three belong
/// together: a key of one issuer never vouches for another.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    dialect: Dialect,
    keys: KeySet,
    withdrawn: Option<Withdrawn>,
}

/// Says by its `jti` whether a token was taken back before its time.
#[derive(Clone)]
struct Withdrawn(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Withdrawn")
    }
}

impl TrustedIssuer {
    /// Tokens with this `iss` and at least one of these `aud`, signed by one of these keys.
    pub fn new<A: Into<String>>(
        issuer: impl Into<String>,
        audiences: impl IntoIterator<Item = A>,
        keys: &JwkSet,
    ) -> Self {
        Self {
            dialect: Dialect {
                issuer: issuer.into(),
                audiences: audiences.into_iter().map(Into::into).collect(),
                name_claims: vec!["preferred_username".to_owned()],
                role_claims: Vec::new(),
            },
            keys: keys.verification_keys(),
            withdrawn: None,
        }
    }

    /// Its tokens count unless `withdrawn` says of their `jti` that they were taken back. Asked on every request.
    #[must_use]
    pub fn unless(mut self, withdrawn: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.withdrawn = Some(Withdrawn(Arc::new(withdrawn)));
        self
    }
}

/// Verifies access tokens of the issuers that it trusts, and of nobody else.
#[derive(Debug, Default)]
pub struct TokenVerifier {
    issuers: Vec<TrustedIssuer>,
    cache: TokenCache,
}

impl TokenVerifier {
    /// Trusts nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts one more issuer.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// The caller whom this token describes.
    ///
    /// # Errors
    /// One [`TokenError`] per reason; nothing of the token is in it but `kid`, `iss` and `aud`.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        let known = self.cache.get(token, now);
        let counter = if known.is_some() { &CACHED } else { &VERIFIED };
        let outcome = match known {
            Some(principal) => self.check_withdrawn(&principal).map(|()| principal),
            None => self.verify_anew(token, now).await,
        };
        outcome.inspect(|_| counter.increment(1)).inspect_err(|_| REFUSED.increment(1))
    }

    async fn verify_anew(&self, token: &str, now: u64) -> Result<Principal, TokenError> {
        let principal = self.verify_at(token, now).await?;
        self.check_withdrawn(&principal)?;
        self.cache.insert(token, &principal, now);
        Ok(principal)
    }

    fn check_withdrawn(&self, principal: &Principal) -> Result<(), TokenError> {
        let issuer = self.issuers.iter().find(|issuer| issuer.dialect.issuer == principal.issuer);
        match (issuer.and_then(|issuer| issuer.withdrawn.as_ref()), &principal.token_id) {
            (Some(withdrawn), Some(jti)) if withdrawn.0(jti) => Err(TokenError::Withdrawn),
            _ => Ok(()),
        }
    }

    async fn verify_at(&self, token: &str, now: u64) -> Result<Principal, TokenError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::Malformed);
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        acceptable(&header)?;
        // Not verified yet: the name only says whose keys to try.
        let claimed: Claims =
            dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Malformed)?;
        let named = self
            .issuers
            .iter()
            .find(|issuer| Some(issuer.dialect.issuer.as_str()) == claimed.issuer());
        let issuer = named.or(self.issuers.first()).ok_or(TokenError::Malformed)?;
        let claims = verify_signature(token, &header, &issuer.candidates(&header))?;
        claims.check(named.map(|issuer| &issuer.dialect), now)?;
        Ok(Principal::verified(claims.identity(&issuer.dialect)?))
    }
}

impl TrustedIssuer {
    /// A key of our own keeps its place under any name; with one key there is nothing to choose.
    fn candidates(&self, header: &Header) -> Vec<Arc<VerificationKey>> {
        match header.kid.as_deref() {
            Some(kid) if self.keys.knows(kid) => self.keys.named(kid, header.alg),
            _ => self.keys.usable(header.alg),
        }
    }
}

/// Whether a header is one of an access token that we understand.
fn acceptable(header: &Header) -> Result<(), TokenError> {
    // An extension marked critical must be understood (RFC 7515, 4.1.11), and we understand none.
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let typ = header.typ.as_deref().unwrap_or("JWT");
    let typ = typ.strip_prefix("application/").unwrap_or(typ);
    if ["JWT", "at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(typ)) {
        Ok(())
    } else {
        Err(TokenError::WrongType)
    }
}

fn verify_signature(
    token: &str,
    header: &Header,
    keys: &[Arc<VerificationKey>],
) -> Result<Claims, TokenError> {
    let mut validation = Validation::new(header.alg);
    // The library checks the signature. The claims are checked in `claims.rs`, where each refusal has its own name.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let mut error = TokenError::UnknownKey(header.kid.clone());
    for key in keys {
        match decode::<Claims>(token, &key.key, &validation) {
            Ok(data) => return Ok(data.claims),
            Err(_) => error = TokenError::BadSignature,
        }
    }
    Err(error)
}

/// Why a token is refused. The text is for the log; what the caller learns is [`TokenError::detail`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or a claim or header member that is missing, of the wrong type, or not understood.
    #[error("malformed")]
    Malformed,
    /// A JWT, but no access token.
    #[error("wrong type of token")]
    WrongType,
    /// No key of that name for that algorithm.
    #[error("no key {0:?} for this algorithm")]
    UnknownKey(Option<String>),
    /// None of the keys made this signature.
    #[error("bad signature")]
    BadSignature,
    /// `nbf` lies ahead.
    #[error("not valid yet")]
    NotYetValid,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// Its issuer took it back.
    #[error("taken back by its issuer")]
    Withdrawn,
    /// `iss` is none of ours.
    #[error("issuer {0} is not trusted")]
    WrongIssuer(String),
    /// Meant for somebody else.
    #[error("audience {0} is not ours")]
    WrongAudience(String),
}

impl TokenError {
    /// The reason as a label of a counter.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::UnknownKey(_) => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongIssuer(_) => "wrong_issuer",
            Self::WrongAudience(_) => "wrong_audience",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What the caller is told, in the words of the tutorial.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Expired => "Token has expired",
            Self::WrongIssuer(_) => "Invalid token issuer",
            Self::WrongAudience(_) => "Invalid token audience",
            _ => "Invalid token",
        }
    }
}
