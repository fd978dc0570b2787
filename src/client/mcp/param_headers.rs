//! Tool parameters that are repeated in headers (`Mcp-Param-*`).
//!
//! Specs: MCP 2026-07-28 Streamable HTTP, "Custom Headers from Tool Parameters" and "Value Encoding"; server/tools,
//! "x-mcp-header".

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::jsonrpc::Object;

const ANNOTATION: &str = "x-mcp-header";
/// Larger integers are not exact in every language (2^53 - 1).
const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The annotated parameters of one tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ParamHeaders(Vec<Parameter>);

#[derive(Debug, Clone, PartialEq)]
struct Parameter {
    /// The chain of `properties` keys.
    path: Vec<String>,
    name: HeaderName,
}

impl ParamHeaders {
    /// Reads the annotations of an `inputSchema`.
    ///
    /// # Errors
    /// Why the annotations, and with them the tool, are invalid.
    pub(crate) fn of(schema: &Value) -> Result<Self, String> {
        let mut headers = Self::default();
        headers.walk(schema, &mut Vec::new(), true)?;
        Ok(headers)
    }

    fn walk(
        &mut self,
        schema: &Value,
        path: &mut Vec<String>,
        reachable: bool,
    ) -> Result<(), String> {
        let Value::Object(members) = schema else {
            return Ok(());
        };
        if let Some(annotation) = members.get(ANNOTATION) {
            if path.is_empty() || !reachable {
                return Err(format!(
                    "{ANNOTATION} is on something that is not reachable by `properties` alone"
                ));
            }
            self.add(annotation, members.get("type"), path)?;
        }
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (key, schema) in properties {
                        path.push(key.clone());
                        self.walk(schema, path, reachable)?;
                        path.pop();
                    }
                }
                // Maps whose keys are names, not keywords.
                (
                    "$defs" | "definitions" | "patternProperties" | "dependentSchemas",
                    Value::Object(schemas),
                ) => {
                    schemas.values().try_for_each(|schema| self.walk(schema, path, false))?;
                }
                // Data, not schemas.
                ("default" | "const" | "enum" | "examples", _) => {}
                (_, Value::Array(schemas)) => {
                    schemas.iter().try_for_each(|schema| self.walk(schema, path, false))?;
                }
                (_, schema) => self.walk(schema, path, false)?,
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        annotation: &Value,
        kind: Option<&Value>,
        path: &[String],
    ) -> Result<(), String> {
        let parameter = path.join(".");
        let Value::String(name) = annotation else {
            return Err(format!("{ANNOTATION} of {parameter} is not a string"));
        };
        let tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(tchar) {
            return Err(format!("{ANNOTATION} of {parameter} is not a header name: {name:?}"));
        }
        if !primitive(kind) {
            return Err(format!(
                "{ANNOTATION} of {parameter} is on a parameter that is not a string, integer or boolean"
            ));
        }
        let name = HeaderName::try_from(format!("mcp-param-{name}")).map_err(|e| e.to_string())?;
        if self.0.iter().any(|parameter| parameter.name == name) {
            return Err(format!("{ANNOTATION} of {parameter} repeats {name}"));
        }
        self.0.push(Parameter { path: path.to_vec(), name });
        Ok(())
    }

    /// The headers of one call.
    ///
    /// # Errors
    /// When a number is not an integer that is exact in every language.
    pub(crate) fn headers(&self, arguments: &Object) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for Parameter { path, name } in &self.0 {
            let value =
                path[1..].iter().fold(arguments.get(&path[0]), |value, key| value?.get(key));
            let text = match value {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(truth)) => truth.to_string(),
                Some(Value::Number(number)) => match integer(number) {
                    Some(number) => number.to_string(),
                    None => {
                        return Err(format!(
                            "{} cannot go into a header: {number} is not a safe integer",
                            path.join(".")
                        ));
                    }
                },
                // Null counts as absent; a value of another type is the server's to reject.
                _ => continue,
            };
            headers.insert(name.clone(), encode(&text));
        }
        Ok(headers)
    }
}

/// `integer`, `string` or `boolean`, possibly nullable.
fn primitive(kind: Option<&Value>) -> bool {
    let allowed = |kind: &Value| matches!(kind.as_str(), Some("integer" | "string" | "boolean"));
    match kind {
        Some(Value::Array(kinds)) => {
            kinds.iter().any(allowed) && kinds.iter().all(|kind| allowed(kind) || kind == "null")
        }
        Some(kind) => allowed(kind),
        None => false,
    }
}

fn integer(number: &serde_json::Number) -> Option<i64> {
    let integer = number.as_i64().or_else(|| {
        let float = number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() <= MAX_SAFE_INTEGER as f64)?;
        Some(float as i64)
    });
    integer.filter(|integer| (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(integer))
}

/// The text as a header value: unchanged if that is safe, else as `=?base64?..?=`.
pub(crate) fn encode(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
        && text.trim_matches([' ', '\t']).len() == text.len()
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let value =
        if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) };
    HeaderValue::try_from(value).expect("printable ASCII is a header value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_encoded_as_in_the_table_of_the_specification() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("a\tb", "a\tb"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encode(text), expected, "{text:?}");
        }
    }

    #[test]
    fn annotated_parameters_are_read_from_their_path() {
        let schema = json!({"properties": {
            "a": {"type": "string", "x-mcp-header": "A"},
            "o": {"type": "object", "properties": {"n": {"type": ["integer", "null"], "x-mcp-header": "N"}}},
            "t": {"type": "boolean", "x-mcp-header": "T"},
            "x-mcp-header": {"type": "string"},
        }});
        let annotated = ParamHeaders::of(&schema).unwrap();
        let headers = |arguments: Value| annotated.headers(arguments.as_object().unwrap());
        let found =
            headers(json!({"a": "é", "o": {"n": -7.0}, "t": true, "x-mcp-header": "no"})).unwrap();
        assert_eq!(found["mcp-param-a"], "=?base64?w6k=?=");
        assert_eq!(
            (&found["mcp-param-n"], &found["mcp-param-t"]),
            (&"-7".parse().unwrap(), &"true".parse().unwrap())
        );
        assert_eq!(headers(json!({"a": null, "n": 1, "o": 3})).unwrap().len(), 0);
        assert!(headers(json!({"o": {"n": 9_007_199_254_740_992_i64}})).is_err());
        assert!(headers(json!({"o": {"n": 1.5}})).is_err());
    }

    #[test]
    fn invalid_annotations_make_the_tool_invalid() {
        let text =
            |name: Value| json!({"properties": {"a": {"type": "string", "x-mcp-header": name}}});
        for (why, schema) in [
            ("empty", text(json!(""))),
            ("colon", text(json!("A:B"))),
            ("blank", text(json!("A B"))),
            ("non-ascii", text(json!("Ä"))),
            ("control", text(json!("A\r\nB"))),
            ("not a string", text(json!(1))),
            ("number", json!({"properties": {"a": {"type": "number", "x-mcp-header": "A"}}})),
            ("null", json!({"properties": {"a": {"type": "null", "x-mcp-header": "A"}}})),
            ("no type", json!({"properties": {"a": {"x-mcp-header": "A"}}})),
            (
                "twice",
                json!({"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}),
            ),
            (
                "items",
                json!({"properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}}),
            ),
            (
                "oneOf",
                json!({"oneOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
            ),
            ("$defs", json!({"$defs": {"a": {"type": "string", "x-mcp-header": "A"}}})),
            ("root", json!({"type": "string", "x-mcp-header": "A"})),
        ] {
            assert!(ParamHeaders::of(&schema).is_err(), "{why}");
        }
        assert_eq!(
            ParamHeaders::of(&json!({"default": {"x-mcp-header": ""}})),
            Ok(ParamHeaders::default())
        );
    }
}
