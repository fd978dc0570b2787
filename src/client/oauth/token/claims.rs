//! The claims of an access token, for display. Nothing is verified or decided by them: to a client a token is opaque
//! (RFC 6749, 1.4).
//!
//! Specs: RFC 7519 section 4.1, RFC 9068 section 2.2 (the claims), RFC 8707 section 2 (`aud`).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    client::context::{
        client::Client,
        credentials::{AccessToken, unix_now},
        reporter::Stage,
    },
    principal::ScopeSet,
};

/// \[11\]: shows the token, shortened, and its claims.
pub(crate) fn report(client: &Client, requested: &ScopeSet, token: &AccessToken) {
    let reporter = &client.reporter;
    reporter.stage(Stage::Token, "Access token");
    let kind = if token.proof_key.is_some() { "DPoP" } else { "Bearer" };
    reporter.note(&format!("{kind} {}", token.token.hint()));
    if token.scopes != *requested {
        reporter.note(&format!("requested: {requested}"));
        reporter.note(&format!("granted:   {}", token.scopes));
    }
    let Some(claims) = decode(token.token.expose()) else {
        reporter.note("it is opaque: only the authorization server can read it (RFC 7662)");
        return;
    };
    for (name, value) in &claims {
        let meaning = meaning(name, value).map(|m| format!("   ({m})")).unwrap_or_default();
        let line = format!("{name:<20} {value}{meaning}");
        match KNOWN.iter().any(|(known, _)| known == name) {
            true => reporter.note(&line),
            false => reporter.detail(&line),
        }
    }
    let audience = claims.get("aud");
    let is_audience = match audience {
        Some(Value::String(aud)) => *aud == token.resource,
        Some(Value::Array(all)) => all.iter().any(|aud| *aud == token.resource.as_str()),
        _ => false,
    };
    if !is_audience {
        reporter.note(&format!(
            "aud does not name {}; this authorization server may not support RFC 8707",
            token.resource
        ));
    }
}

const KNOWN: [(&str, &str); 14] = [
    ("iss", "the issuer"),
    ("sub", "the user"),
    ("aud", "the servers that may accept it"),
    ("exp", "expires"),
    ("iat", "issued"),
    ("nbf", "valid from"),
    ("scope", "what it allows"),
    ("scp", "what it allows"),
    ("client_id", "the client it was issued to"),
    ("azp", "the client it was issued to"),
    ("preferred_username", "the user's name"),
    ("realm_access", "the user's roles"),
    ("roles", "the user's roles"),
    ("cnf", "the key it is bound to, RFC 9449"),
];

fn meaning(name: &str, value: &Value) -> Option<String> {
    let (_, meaning) = KNOWN.iter().find(|(known, _)| *known == name)?;
    let time = value.as_i64().filter(|_| matches!(name, "exp" | "iat" | "nbf"));
    Some(match time {
        Some(at) => format!("{meaning}: {}", distance(at.saturating_sub(unix_now() as i64))),
        None => (*meaning).to_owned(),
    })
}

fn distance(seconds: i64) -> String {
    let amount = match seconds.unsigned_abs() {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    };
    if seconds < 0 { format!("{amount} ago") } else { format!("in {amount}") }
}

/// The claims of a signed JWT, unverified.
pub(crate) fn decode(token: &str) -> Option<Map<String, Value>> {
    let [_, payload, _] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_jwt_is_decoded_and_anything_else_is_opaque() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"i"}"#);
        assert_eq!(decode(&format!("h.{payload}.s")).unwrap()["iss"], "i");
        for opaque in ["", "ya29.a0", "a.b.c", "a.b.c.d.e"] {
            assert!(decode(opaque).is_none(), "{opaque}");
        }
    }

    #[test]
    fn times_are_shown_relative_to_now() {
        for (seconds, expected) in
            [(59, "in 59 s"), (3600, "in 60 min"), (-7200, "2 h ago"), (345_600, "in 4 days")]
        {
            assert_eq!(distance(seconds), expected);
        }
    }

    #[test]
    fn any_number_in_a_token_can_be_shown() {
        for (name, value, expected) in [
            ("the smallest", json!(i64::MIN), "ago)"),
            ("the largest", json!(i64::MAX), "days"),
            ("more than that", json!(u64::MAX), "expires"),
            ("a fraction", json!(1.5), "expires"),
        ] {
            let told = format!("({})", meaning("exp", &value).unwrap());
            assert!(told.contains(expected), "{name}: {told}");
        }
    }
}
