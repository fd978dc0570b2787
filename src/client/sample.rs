//! Arguments made from a schema, for `--call-all` and for forms that are answered without a person.
//!
//! Rules: JSON Schema 2020-12 (the default dialect of MCP since 2025-11-25).

use serde_json::{Map, Value, json};

/// Deep enough for any real tool; a schema may refer to itself.
const DEPTH: usize = 8;

/// The smallest value that a schema suggests: its default, an example, a constant, the first of an enumeration, or the
/// least of its type. Objects get their required members.
pub(crate) fn value(schema: &Value) -> Value {
    least(schema, schema, DEPTH)
}

fn least(schema: &Value, root: &Value, depth: usize) -> Value {
    let first = |keyword: &str| schema.get(keyword).and_then(|list| list.get(0)).cloned();
    let suggested = schema
        .get("default")
        .or_else(|| schema.get("const"))
        .cloned()
        .or_else(|| first("examples"))
        .or_else(|| first("enum"));
    if let Some(value) = suggested {
        return value;
    }
    if depth == 0 {
        return Value::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| local(root, r)) {
        return least(target, root, depth - 1);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        if let Some(choice) = schema
            .get(keyword)
            .and_then(|list| list.get(0))
            .filter(|_| schema.get("type").is_none())
        {
            return least(choice, root, depth - 1);
        }
    }
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    match kind(schema) {
        "object" => object(schema, root, depth),
        "array" => {
            let count = number("minItems").unwrap_or(0.0).clamp(0.0, 16.0) as usize;
            let item =
                schema.get("items").map_or(Value::Null, |items| least(items, root, depth - 1));
            Value::Array(vec![item; count])
        }
        "integer" => {
            let least = number("minimum")
                .or_else(|| number("exclusiveMinimum").map(|n| n + 1.0))
                .unwrap_or(1.0)
                .ceil();
            json!(number("maximum").map_or(least, |most| least.min(most)) as i64)
        }
        "number" => {
            let least = number("minimum")
                .or_else(|| number("exclusiveMinimum").map(|n| n + 1.0))
                .unwrap_or(1.0);
            json!(number("maximum").map_or(least, |most| least.min(most)))
        }
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => text(schema),
    }
}

fn kind(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")
        }
        Some(kind) => kind.as_str(),
        None => None,
    };
    named.unwrap_or(if schema.get("properties").is_some() { "object" } else { "string" })
}

fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let members = required.filter_map(Value::as_str).map(|name| {
        let member = schema.get("properties").and_then(|properties| properties.get(name));
        (name.to_owned(), least(member.unwrap_or(&Value::Null), root, depth - 1))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn text(schema: &Value) -> Value {
    let sample = match schema.get("format").and_then(Value::as_str) {
        Some("email") => "person@example.com",
        Some("uri") => "https://example.com/",
        Some("date") => "2026-07-28",
        Some("date-time") => "2026-07-28T00:00:00Z",
        _ => "hello",
    };
    let length =
        |keyword: &str| schema.get(keyword).and_then(Value::as_u64).map(|n| n.min(4096) as usize);
    let shortest = length("minLength").unwrap_or(0);
    let longest = length("maxLength").unwrap_or(usize::MAX);
    let text: String = sample
        .chars()
        .chain(std::iter::repeat('x'))
        .take(sample.len().max(shortest).min(longest))
        .collect();
    text.into()
}

/// A reference within the same document; others are never fetched.
fn local<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_value_fits_its_schema() {
        for (schema, expected) in [
            (
                json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "number"}, "b": {"type": "integer", "minimum": 3}, "c": {}}}),
                json!({"a": 1.0, "b": 3}),
            ),
            (json!({"type": "string", "minLength": 7}), json!("helloxx")),
            (json!({"type": "string", "maxLength": 2}), json!("he")),
            (json!({"enum": ["x", "y"]}), json!("x")),
            (json!({"default": false, "type": "boolean"}), json!(false)),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"type": "array", "minItems": 2, "items": {"const": 5}}), json!([5, 5])),
            (
                json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer", "maximum": -1}}}),
                json!(-1),
            ),
            (json!({"$ref": "http://elsewhere/schema"}), json!("hello")),
            (json!({"anyOf": [{"type": "null"}]}), Value::Null),
            (json!({}), json!("hello")),
        ] {
            assert_eq!(value(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema =
            json!({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}});
        assert!(value(&schema).is_object());
    }
}
