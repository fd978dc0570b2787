//! Tools that ask a person before they act. The question travels with the answer to the call, what the person said
//! with a second call, and nothing is kept in between.
//!
//! Rules: MCP 2026-07-28 basic/patterns/mrtr; client/elicitation (forms). The state that goes through the client is
//! sealed over the caller, the tool, its arguments and a time, so that nobody can confirm somebody else's call,
//! another call, or this one tomorrow. A client that cannot ask is told so with -32021.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{jsonrpc::ErrorObject, principal::Principal};

use super::seal::{self, Seal};

/// The client did not declare a capability that the request needs.
pub(super) const MISSING_CAPABILITY: i64 = -32021;

/// How long a person may think about it, in seconds.
const PATIENCE: u64 = 300;

/// The key of our one question in `inputRequests`, and of the answer in its form.
const QUESTION: &str = "confirm";

/// What a call brings along beside its arguments.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// What the client can do; `None` in the older revisions, which ask in ways that we do not offer.
    pub(super) capabilities: Option<&'a RawValue>,
    pub(super) responses: Option<&'a RawValue>,
    pub(super) state: Option<Value>,
}

/// What to do with a call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The person agrees.
    Go,
    /// They do not, or cannot be asked; a model reads why.
    Stop(&'static str),
    /// They have to be asked.
    Ask(InputRequiredResult),
}

/// The answer to a call that needs an answer itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequiredResult {
    result_type: &'static str,
    input_requests: Value,
    request_state: String,
}

/// Questions that are on their way.
#[derive(Debug, Default)]
pub(super) struct Confirmations(Seal);

impl Confirmations {
    /// Sealed with this secret, or with one of its own.
    pub(super) fn new(secret: Option<&str>) -> Self {
        Self(Seal::new(secret, "questions"))
    }

    /// Whether a call may go ahead.
    pub(super) fn judge(
        &self,
        question: &str,
        asked: &Asked<'_>,
        (tool, arguments): (&str, &str),
        caller: Option<&Principal>,
    ) -> Result<Verdict, ErrorObject> {
        let Some(capabilities) = asked.capabilities else {
            return Ok(Verdict::Stop(
                "this tool asks a person first, which needs a client that speaks MCP 2026-07-28",
            ));
        };
        if !asks_in_forms(capabilities) {
            return Err(missing_capability());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let call = [
            caller.map_or("", |caller| &caller.issuer).to_owned(),
            caller.map_or("", |caller| &*caller.unique_id).to_owned(),
            tool.to_owned(),
            canonical(&serde_json::from_str(arguments).map_err(|error| {
                ErrorObject::invalid_params(format!("Invalid params: arguments: {error}"))
            })?),
        ];
        match &asked.state {
            Some(state) if !self.holds(state, &call, now) => Err(ErrorObject::invalid_params(
                "requestState is not ours, or too old; call again without it",
            )),
            Some(_) => Ok(match answer(asked) {
                Some(true) => Verdict::Go,
                Some(false) => Verdict::Stop("the person said no; nothing was changed"),
                None => Verdict::Ask(self.ask(question, &call, now + PATIENCE)),
            }),
            // An answer to a question that we did not ask counts for nothing.
            None => Ok(Verdict::Ask(self.ask(question, &call, now + PATIENCE))),
        }
    }

    fn ask(&self, question: &str, call: &[String; 4], until: u64) -> InputRequiredResult {
        let until = until.to_be_bytes();
        let state = [&until[..], &self.0.over(&parts(&until, call))].concat();
        InputRequiredResult {
            result_type: "input_required",
            input_requests: form(question),
            request_state: URL_SAFE_NO_PAD.encode(state),
        }
    }

    fn holds(&self, state: &Value, call: &[String; 4], now: u64) -> bool {
        let mut bytes = [0; 8 + seal::LENGTH];
        let read = URL_SAFE_NO_PAD.decode_slice(state.as_str().unwrap_or_default(), &mut bytes);
        let (until, seal) = bytes.split_at(8);
        read == Ok(bytes.len())
            && self.0.holds(&parts(until, call), seal)
            && until.try_into().is_ok_and(|until| now < u64::from_be_bytes(until))
    }
}

fn parts<'a>(until: &'a [u8], call: &'a [String; 4]) -> [&'a [u8]; 5] {
    let [issuer, subject, tool, arguments] = call.each_ref().map(|part| part.as_bytes());
    [until, issuer, subject, tool, arguments]
}

/// `elicitation` without a word about modes means forms.
fn asks_in_forms(capabilities: &RawValue) -> bool {
    let capabilities = read(capabilities);
    let modes = capabilities.get("elicitation").and_then(Value::as_object);
    modes.is_some_and(|modes| modes.is_empty() || modes.contains_key("form"))
}

/// Whatever cannot be read, such as half of a surrogate pair, says nothing.
fn read(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).unwrap_or_default()
}

fn missing_capability() -> ErrorObject {
    let required = serde_json::json!({ "requiredCapabilities": { "elicitation": { "form": {} } } });
    ErrorObject::new(MISSING_CAPABILITY, "Missing required client capability: elicitation")
        .with_data(required)
}

fn form(question: &str) -> Value {
    serde_json::json!({ QUESTION: {
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": question,
            "requestedSchema": {
                "type": "object",
                "properties": { QUESTION: { "type": "boolean", "title": "Yes, go ahead" } },
                "required": [QUESTION],
            },
        },
    }})
}

/// What the person said, if they were reached.
fn answer(asked: &Asked<'_>) -> Option<bool> {
    let responses = read(asked.responses?);
    let response = responses.get(QUESTION)?;
    match response.get("action")?.as_str()? {
        "accept" => response.get("content")?.get(QUESTION)?.as_bool(),
        "decline" | "cancel" => Some(false),
        _ => None,
    }
}

/// JSON with its members in order: a client may write the same arguments another way the second time.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<_, _> = members.iter().collect();
                let sorted = members.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
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
    fn forms_are_what_elicitation_means_unless_it_says_otherwise() {
        for (capabilities, expected) in [
            (r#"{"elicitation":{}}"#, true),
            (r#"{"elicitation":{"form":{}}}"#, true),
            (r#"{"elicitation":{"form":{},"url":{}}}"#, true),
            (r#"{"elicitation":{"url":{}}}"#, false),
            (r#"{"elicitation":true}"#, false),
            (r#"{"sampling":{}}"#, false),
        ] {
            let written: Box<RawValue> = serde_json::from_str(capabilities).unwrap();
            assert_eq!(asks_in_forms(&written), expected, "{capabilities}");
        }
    }

    #[test]
    fn arguments_are_the_same_in_any_order() {
        let canonical = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        let written = r#"{"b":[{"y":1,"x":2}],"a":"é"}"#;
        assert_eq!(canonical(written), r#"{"a":"é","b":[{"x":2,"y":1}]}"#);
        assert_eq!(canonical(written), canonical(r#"{"a":"\u00e9","b":[{"x":2,"y":1}]}"#));
    }

    #[test]
    fn a_state_dies_with_its_time() {
        let confirmations = Confirmations::default();
        let call = ["i", "s", "t", "{}"].map(str::to_owned);
        let state = Value::String(confirmations.ask("?", &call, 100).request_state);
        assert!(confirmations.holds(&state, &call, 99));
        assert!(!confirmations.holds(&state, &call, 100));
    }
}
