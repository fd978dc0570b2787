//! Strings of a message, and what is wrong with one that cannot be decoded.
//!
//! Specs: RFC 8259 section 8.2: an escape such as `\ud800` without its other half is grammatical, but stands for no
//! Unicode text.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// A string, copied only if it was written with escapes.
#[derive(Deserialize)]
pub(crate) struct CowStr<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The string that a JSON text is, if it is one.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if quoted.contains('\\') {
        return serde_json::from_str(value.get()).ok().map(|CowStr(text)| text);
    }
    // It is known to be JSON, so between the quotes is the string itself.
    Some(Cow::Borrowed(quoted))
}

/// Why a JSON text could not be read as a type. Without the position, which would be counted within one parameter.
pub(crate) fn error_text(error: &serde_json::Error, json: &str) -> String {
    undecodable(error, json).unwrap_or_else(|| without_position(error))
}

/// The reason of an error about a text that is grammatical.
pub(super) fn undecodable(error: &serde_json::Error, json: &str) -> Option<String> {
    let json = serde_json::from_str(json).ok().filter(|_| !error.is_data())?;
    invalid_unicode("", json)
}

pub(super) fn without_position(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ").filter(|_| error.line() > 0) {
        text.truncate(end);
    }
    text
}

/// Names the first string below `path` that is not valid Unicode text.
pub(super) fn invalid_unicode(path: &str, json: &RawValue) -> Option<String> {
    let text = json.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<CowStr>(text).is_err().then(|| {
            let name = if path.is_empty() { "the text" } else { path };
            format!("{name} is not valid Unicode text: it contains an unpaired surrogate escape")
        }),
        b'{' => match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
            Ok(properties) => properties.iter().find_map(|(name, value)| {
                let dot = if path.is_empty() { "" } else { "." };
                invalid_unicode(&format!("{path}{dot}{name}"), value)
            }),
            Err(_) => Some("a property name is not valid Unicode text".to_owned()),
        },
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let mut elements = elements.into_iter().enumerate();
            elements.find_map(|(index, value)| invalid_unicode(&format!("{path}[{index}]"), value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpaired_surrogate_is_reported_with_its_property() {
        for (json, expected) in [
            (r#"{"message":"\ud800"}"#, Some("message is not")),
            (r#"{"a":{"b":["ok",{"c":"\udc00"}]}}"#, Some("a.b[1].c is not")),
            (r#"{"\ud800":1}"#, Some("a property name is not")),
            (r#""\ud800""#, Some("the text is not")),
            (r#"{"message":"\ud83d\ude00"}"#, None),
        ] {
            let json: Box<RawValue> = serde_json::from_str(json).unwrap();
            let reason = invalid_unicode("", &json);
            let begins = expected.map(|text| format!("{text} valid Unicode text"));
            assert_eq!(reason.is_some(), expected.is_some(), "{json}");
            assert!(reason.unwrap_or_default().starts_with(&begins.unwrap_or_default()), "{json}");
        }
    }
}
