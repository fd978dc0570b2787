//! Confirmation of a tool call by the user: the question travels in the result of the first call, the answer in a second
//! call, and the server stores nothing in between.
//!
//! Specs: MCP 2026-07-28 basic/patterns/mrtr. `requestState` passes through the client, so it
//! is signed over the user, the client, the tool, its arguments and an expiry, and accepted once. A client that cannot
//! show forms gets -32021.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    jsonrpc::{self, ErrorObject},
    mcp::mac::{self, MacKey, TAG_BYTES},
    principal::Principal,
};

use super::elicitation::{InputRequiredResult, answer, missing_capability, supports_forms};

/// How long the user may take to answer, in seconds.
const STATE_TTL_SECS: u64 = 300;

const NONCE_BYTES: usize = 16;

/// What a call carries beside its arguments.
#[derive(Debug)]
pub(super) struct RetryInput<'a> {
    /// `None` in the legacy era, whose way to ask this server does not support.
    pub(super) capabilities: Option<&'a RawValue>,
    pub(super) responses: Option<&'a RawValue>,
    pub(super) state: Option<Value>,
}

/// What to do with a call.
#[derive(Debug)]
pub(super) enum Decision {
    /// The user confirmed it.
    Proceed,
    /// The user declined, or cannot be asked; the reason is for the model.
    Deny(&'static str),
    /// The user has to be asked.
    InputRequired(InputRequiredResult),
}

/// Issues and checks the state of confirmations.
#[derive(Debug, Default)]
pub(super) struct Confirmation {
    key: MacKey,
    /// The tags of used states, with their expiry.
    used: Mutex<HashMap<[u8; TAG_BYTES], u64>>,
}

impl Confirmation {
    /// States are signed with this secret, or with a key of this process.
    pub(super) fn new(secret: Option<&str>) -> Self {
        Self { key: MacKey::new(secret, "confirmations"), used: Mutex::default() }
    }

    /// Whether a call may proceed.
    pub(super) fn evaluate(
        &self,
        question: &'static str,
        retry: &RetryInput<'_>,
        (tool, arguments): (&str, &str),
        caller: Option<&Principal>,
    ) -> Result<Decision, ErrorObject> {
        let Some(capabilities) = retry.capabilities else {
            return Ok(Decision::Deny(
                "this tool needs the user's confirmation, for which the client must support MCP 2026-07-28",
            ));
        };
        if !supports_forms(capabilities) {
            return Err(missing_capability());
        }
        let arguments = serde_json::from_str(arguments).map_err(|error| {
            let reason = jsonrpc::error_text(&error, arguments);
            ErrorObject::invalid_params(format!("Invalid params: arguments: {reason}"))
        })?;
        let arguments = canonical(&arguments);
        let [issuer, subject, client] = identity(caller);
        let call = [issuer, subject, client, tool, &arguments].map(str::as_bytes);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ask = || Decision::InputRequired(self.ask(question, &call, now + STATE_TTL_SECS));
        // Without a state, an answer is to a question that was never asked.
        let Some(state) = &retry.state else {
            return Ok(ask());
        };
        let state = State::decode(state).filter(|state| self.is_valid(state, &call, now));
        let state = state.ok_or_else(invalid_state)?;
        let Some(confirmed) = retry.responses.and_then(answer) else {
            return Ok(ask());
        };
        if !self.mark_used(&state, now) {
            return Err(invalid_state());
        }
        Ok(if confirmed {
            Decision::Proceed
        } else {
            Decision::Deny("the user declined; nothing was changed")
        })
    }

    fn ask(&self, question: &'static str, call: &Call<'_>, expires: u64) -> InputRequiredResult {
        let nonce = mac::random();
        let tag = self.key.sign(&signed_parts(&nonce, &expires.to_be_bytes(), call));
        InputRequiredResult::confirm(question, State { nonce, expires, tag }.encode())
    }

    fn is_valid(&self, state: &State, call: &Call<'_>, now: u64) -> bool {
        let State { nonce, expires, tag } = state;
        now < *expires && self.key.verify(&signed_parts(nonce, &expires.to_be_bytes(), call), tag)
    }

    /// Whether this is the first use of a state ("Servers for which a given requestState must be consumed at most once
    /// MUST enforce that invariant server-side"). Replicas do not share this; the expiry bounds what they could repeat.
    fn mark_used(&self, state: &State, now: u64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| now < *expires);
        used.insert(state.tag, state.expires).is_none()
    }
}

/// Issuer, subject and client of the user, the tool and its arguments.
type Call<'a> = [&'a [u8]; 5];

/// The user and the client to whom a confirmation is bound; empty where nobody authenticates.
fn identity(caller: Option<&Principal>) -> [&str; 3] {
    let Some(caller) = caller else {
        return [""; 3];
    };
    [&caller.issuer, &caller.unique_id, caller.client_id.as_deref().unwrap_or_default()]
}

/// `requestState`, decoded.
#[derive(Debug)]
struct State {
    nonce: [u8; NONCE_BYTES],
    /// In seconds since 1970 (UTC).
    expires: u64,
    tag: [u8; TAG_BYTES],
}

impl State {
    fn encode(&self) -> String {
        let expires = self.expires.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&self.nonce[..], &expires, &self.tag].concat())
    }

    fn decode(state: &Value) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(state.as_str()?).ok()?;
        let (nonce, rest) = bytes.split_first_chunk()?;
        let (expires, tag) = rest.split_first_chunk()?;
        let expires = u64::from_be_bytes(*expires);
        Some(Self { nonce: *nonce, expires, tag: tag.try_into().ok()? })
    }
}

fn signed_parts<'a>(nonce: &'a [u8], expires: &'a [u8], call: &Call<'a>) -> [&'a [u8]; 7] {
    let [issuer, subject, client, tool, arguments] = *call;
    [nonce, expires, issuer, subject, client, tool, arguments]
}

fn invalid_state() -> ErrorObject {
    ErrorObject::invalid_params(
        "requestState is invalid, expired or already used; call again without it",
    )
}

/// JSON with sorted properties: a client may write the same arguments in another order the second time.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(properties) => {
                let properties: BTreeMap<_, _> = properties.iter().collect();
                let sorted =
                    properties.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
                Value::Object(Map::from_iter(sorted))
            }
            Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_arguments_does_not_matter() {
        let canonical = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        let written = r#"{"b":[{"y":1,"x":2}],"a":"é"}"#;
        assert_eq!(canonical(written), r#"{"a":"é","b":[{"x":2,"y":1}]}"#);
        assert_eq!(canonical(written), canonical(r#"{"a":"\u00e9","b":[{"x":2,"y":1}]}"#));
    }

    #[test]
    fn a_state_is_valid_until_it_expires_and_only_once() {
        let confirmation = Confirmation::default();
        let call = ["issuer", "subject", "client", "tool", "{}"].map(str::as_bytes);
        let state = confirmation.ask("?", &call, 100).request_state;
        let state = State::decode(&Value::String(state)).unwrap();
        assert!(confirmation.is_valid(&state, &call, 99));
        assert!(!confirmation.is_valid(&state, &call, 100));
        for part in 0..call.len() {
            let mut other = call;
            other[part] = b"other";
            assert!(!confirmation.is_valid(&state, &other, 99), "part {part}");
        }
        assert!(confirmation.mark_used(&state, 99));
        assert!(!confirmation.mark_used(&state, 99));
    }
}
