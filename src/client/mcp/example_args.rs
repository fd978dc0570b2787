//! Example arguments from a JSON Schema, for `--call-all` and for forms that are accepted with defaults.
//!
//! Specs: JSON Schema 2020-12 (the default of MCP since 2025-11-25).

use serde_json::{Map, Value, json};

/// A schema may refer to itself.
const MAX_DEPTH: usize = 8;

/// A short schema may multiply itself. Counted in values; a long text counts as several.
const MAX_VALUES: usize = 10_000;
const CHARS_PER_VALUE: usize = 64;

/// The smallest value that a schema suggests: its default, an example, a constant, the first of an enumeration, or the
/// least of its type. Objects get their required properties. What would be too deep or too large is null.
pub(crate) fn value(schema: &Value) -> Value {
    Generator { root: schema, left: MAX_VALUES }.example(schema, MAX_DEPTH)
}

struct Generator<'a> {
    root: &'a Value,
    left: usize,
}

impl Generator<'_> {
    /// Whether the limit allows so many more values.
    fn spend(&mut self, size: usize) -> bool {
        let enough = size <= self.left;
        self.left = self.left.saturating_sub(size);
        enough
    }

    fn example(&mut self, schema: &Value, depth: usize) -> Value {
        let first = |keyword: &str| schema.get(keyword).and_then(|list| list.get(0));
        let suggested = schema
            .get("default")
            .or_else(|| schema.get("const"))
            .or_else(|| first("examples"))
            .or_else(|| first("enum"));
        if let Some(value) = suggested {
            return if self.spend(size(value)) { value.clone() } else { Value::Null };
        }
        if depth == 0 || !self.spend(1) {
            return Value::Null;
        }
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|r| local(self.root, r));
        if let Some(target) = target {
            return self.example(target, depth - 1);
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            if let Some(choice) = first(keyword).filter(|_| schema.get("type").is_none()) {
                return self.example(choice, depth - 1);
            }
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => json!(number(schema).ceil() as i64),
            "number" => json!(number(schema)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => Some(text(schema)).filter(|text| self.spend(size(text) - 1)).unwrap_or_default(),
        }
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Value {
        let count = schema.get("minItems").and_then(Value::as_f64).unwrap_or(0.0).clamp(0.0, 16.0);
        let mut items = Vec::new();
        for _ in 0..count as usize {
            items.push(
                self.example(schema.get("items").unwrap_or(&json!({"const": null})), depth - 1),
            );
        }
        Value::Array(items)
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut members = Map::new();
        for name in required.filter_map(Value::as_str) {
            if !self.spend(name.len() / CHARS_PER_VALUE) {
                break;
            }
            let member = schema.get("properties").and_then(|properties| properties.get(name));
            members
                .insert(name.to_owned(), self.example(member.unwrap_or(&Value::Null), depth - 1));
        }
        Value::Object(members)
    }
}

/// How many values a value is made of.
fn size(value: &Value) -> usize {
    let inner = match value {
        Value::String(text) => text.len() / CHARS_PER_VALUE,
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() / CHARS_PER_VALUE + size(value)).sum()
        }
        _ => 0,
    };
    1 + inner
}

/// The least number that is allowed.
fn number(schema: &Value) -> f64 {
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let least =
        number("minimum").or_else(|| number("exclusiveMinimum").map(|n| n + 1.0)).unwrap_or(1.0);
    number("maximum").map_or(least, |most| least.min(most))
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

fn text(schema: &Value) -> Value {
    let sample = match schema.get("format").and_then(Value::as_str) {
        Some("email") => "user@example.com",
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
    fn an_example_fits_its_schema() {
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
    fn a_schema_that_multiplies_itself_gives_a_small_value() {
        let mut nested = json!({"type": "string", "minLength": 4096});
        for _ in 0..7 {
            nested = json!({"type": "array", "minItems": 16, "items": nested});
        }
        let names: Vec<_> = (0..16).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
        let members: Map<_, _> =
            names.iter().map(|name| (name.clone(), json!({"$ref": "#"}))).collect();
        for (name, schema) in [
            ("arrays in arrays", nested),
            (
                "a schema in itself",
                json!({"type": "object", "required": names, "properties": members}),
            ),
            (
                "a large default",
                json!({"type": "array", "minItems": 16, "items": {"default": "x".repeat(600_000)}}),
            ),
        ] {
            assert!(value(&schema).to_string().len() < 2_000_000, "{name}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema =
            json!({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}});
        assert!(value(&schema).is_object());
    }
}
