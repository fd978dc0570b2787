//! JSON documents of other parties: what is wrong with one is said about its property, in a sentence.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Parses a JSON object. A property that is null counts as absent.
///
/// # Errors
/// What is wrong: not a JSON object, a property that is missing, or one of the wrong type.
pub(crate) fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // serde would read an array into a struct, too.
    let mut object = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        Ok(other) => return Err(format!("it is {}, not a JSON object", kind(&other))),
        Err(error) => return Err(format!("it is not JSON ({error})")),
    };
    object.retain(|_, value| !value.is_null());
    read(&object).map_err(|error| explain::<T>(&object, &error))
}

fn read<T: DeserializeOwned>(object: &Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(object.clone())).map_err(|error| error.to_string())
}

fn explain<T: DeserializeOwned>(object: &Map<String, Value>, error: &str) -> String {
    if let Some(name) = error.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    // The culprit is the property without which this is not what is wrong.
    let culprit = object.iter().find(|(name, _)| {
        let mut without = (*object).clone();
        without.remove(name.as_str());
        read::<T>(&without).err().as_deref() != Some(error)
    });
    let expected = error.rsplit_once("expected ").map_or("another type", |(_, expected)| expected);
    let expected = match expected {
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a map" => "an object",
        expected => expected,
    };
    match culprit {
        // The wrong value may be inside: then its type is not that of the property.
        Some((name, value)) if value.is_array() && expected != "a list" => {
            format!("each entry of `{name}` must be {expected}")
        }
        Some((name, value)) => format!("`{name}` is {}; it must be {expected}", kind(value)),
        None => error.to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::auth::metadata::AuthorizationServerMetadata;

    #[test]
    fn null_counts_as_absent() {
        let body = br#"{"issuer": "i", "scopes_supported": null, "token_endpoint": null}"#;
        let found: AuthorizationServerMetadata = parse_object(body).unwrap();
        assert_eq!((&*found.issuer, found.scopes_supported), ("i", None));
    }

    #[test]
    fn a_wrong_property_is_named() {
        #[derive(Debug, Deserialize)]
        struct Registration {
            #[serde(rename = "client_id")]
            _client_id: String,
        }
        for (body, expected) in [
            (r#"{"scopes_supported": "a b"}"#, "`scopes_supported` is a string; it must be a list"),
            (r#"{"scopes_supported": [1]}"#, "each entry of `scopes_supported` must be a string"),
            (
                r#"{"issuer": 7, "scopes_supported": []}"#,
                "`issuer` is a number; it must be a string",
            ),
            (
                r#"{"client_id_metadata_document_supported": "yes"}"#,
                "`client_id_metadata_document_supported` is a string; it must be true or false",
            ),
            ("[]", "it is a list, not a JSON object"),
        ] {
            let found = parse_object::<AuthorizationServerMetadata>(body.as_bytes());
            assert_eq!(found.unwrap_err(), expected);
        }
        for body in ["{}", r#"{"client_id": null}"#] {
            let found = parse_object::<Registration>(body.as_bytes());
            assert_eq!(found.unwrap_err(), "`client_id` is missing");
        }
        assert!(parse_object::<Registration>(b"<html>").unwrap_err().starts_with("it is not JSON"));
    }
}
