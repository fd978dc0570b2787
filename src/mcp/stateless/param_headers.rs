//! Parameter headers: a tool's argument that a header repeats, so that proxies can route by it. The schema annotates the
//! parameter with `x-mcp-header`, the request carries `Mcp-Param-…`.
//!
//! Specs: MCP 2026-07-28 server/tools, "x-mcp-header"; transports/streamable-http, "Custom Headers from Tool
//! Parameters" and "Server Behavior for Custom Headers".

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName};
use serde_json::{Value, value::RawValue};

use super::headers;
use crate::{
    jsonrpc,
    mcp::{tools::Tools, transport::single_header},
};

const ANNOTATION: &str = "x-mcp-header";

/// The annotated parameters of all tools.
#[derive(Debug, Clone, Default)]
pub(super) struct ParamHeaders(HashMap<&'static str, Vec<ParamHeader>>);

#[derive(Debug, Clone)]
struct ParamHeader {
    header: HeaderName,
    /// The names of the properties that lead to the parameter.
    path: Vec<String>,
}

impl ParamHeaders {
    /// The annotations in the schemas of these tools.
    ///
    /// # Panics
    /// If an annotation breaks a rule: clients would have to drop the tool.
    pub(super) fn from_tools(tools: &Tools) -> Self {
        let annotated = tools.input_schemas().map(|(tool, schema)| {
            let mut params = Vec::new();
            collect(schema, &[], &mut params);
            let unique = |p: &ParamHeader| params.iter().filter(|other| other.header == p.header).count() == 1;
            assert!(params.iter().all(unique), "{tool}: two parameters have the same header");
            assert!(
                count(schema) == params.len(),
                "{tool}: {ANNOTATION} belongs on a string, an integer or a boolean, reached through properties only"
            );
            (tool, params)
        });
        Self(annotated.filter(|(_, params)| !params.is_empty()).collect())
    }

    /// Compares the arguments of a call with its headers.
    ///
    /// # Errors
    /// A sentence that names the header.
    pub(super) fn check(
        &self,
        tool: &str,
        arguments: Option<&RawValue>,
        headers: &HeaderMap,
    ) -> Result<(), String> {
        let Some(params) = self.0.get(tool) else {
            return Ok(());
        };
        let arguments = arguments.map_or("null", RawValue::get);
        let arguments: Value = serde_json::from_str(arguments)
            .map_err(|error| jsonrpc::error_text(&error, arguments))?;
        for ParamHeader { header, path } in params {
            let argument = path.iter().try_fold(&arguments, |value, key| value.get(key));
            compare(headers, header, argument.filter(|value| !value.is_null()))?;
        }
        Ok(())
    }
}

/// The annotations that can be reached through `properties` alone, on parameters of a permitted type.
fn collect(schema: &Value, path: &[String], found: &mut Vec<ParamHeader>) {
    for (name, property) in
        schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let path = [path, std::slice::from_ref(name)].concat();
        let type_name = property.get("type").and_then(Value::as_str);
        if let Some(annotation) = property.get(ANNOTATION).and_then(Value::as_str)
            && matches!(type_name, Some("string" | "integer" | "boolean"))
            && !annotation.is_empty()
            && let Ok(header) = HeaderName::try_from(format!("mcp-param-{annotation}"))
        {
            found.push(ParamHeader { header, path: path.clone() });
        }
        collect(property, &path, found);
    }
}

/// All annotations, wherever they are.
fn count(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            members.iter().map(|(name, value)| usize::from(name == ANNOTATION) + count(value)).sum()
        }
        Value::Array(values) => values.iter().map(count).sum(),
        _ => 0,
    }
}

fn compare(headers: &HeaderMap, name: &HeaderName, argument: Option<&Value>) -> Result<(), String> {
    let header = single_header(headers, name).map_err(|e| format!("{name} {e}"))?;
    let header = header.map(headers::decode).transpose().map_err(|e| format!("{name} {e}"))?;
    match (header, argument) {
        (None, None) => Ok(()),
        (Some(header), Some(argument)) if is_same(&header, argument) => Ok(()),
        (Some(_), Some(_)) => Err(format!("{name} does not match the argument in the body")),
        (Some(_), None) => Err(format!("{name} is sent, but the body has no such argument")),
        // A header cannot repeat a list or an object; the tool itself rejects it.
        (None, Some(Value::Array(_) | Value::Object(_))) => Ok(()),
        (None, Some(_)) => Err(format!("{name} is missing, but the body has the argument")),
    }
}

fn is_same(header: &str, argument: &Value) -> bool {
    match argument {
        Value::String(text) => header == text,
        Value::Bool(truth) => header == if *truth { "true" } else { "false" },
        // 42.0 and 42 are the same number.
        Value::Number(number) => match (header.parse::<i64>(), number.as_i64()) {
            (Ok(header), Some(number)) => header == number,
            _ => header.parse().ok() == number.as_f64(),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::mcp::tools::{Tool, ToolError};

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)] // read by its schema
    struct Twice {
        #[schemars(extend("x-mcp-header" = "Region"))]
        here: String,
        #[schemars(extend("x-mcp-header" = "REGION"))]
        there: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Fraction {
        #[schemars(extend("x-mcp-header" = "Share"))]
        share: f64,
    }

    fn with<A: serde::de::DeserializeOwned + JsonSchema + 'static>() -> ParamHeaders {
        let run = |_: A, _| async { Err::<String, _>(ToolError("never called".to_owned())) };
        ParamHeaders::from_tools(&Tools::new().with(Tool::new("t", "T", "A tool", run)))
    }

    #[test]
    #[should_panic(expected = "t: two parameters have the same header")]
    fn a_header_repeats_one_parameter() {
        with::<Twice>();
    }

    #[test]
    #[should_panic(expected = "t: x-mcp-header belongs on a string, an integer or a boolean")]
    fn a_floating_point_number_cannot_be_repeated() {
        with::<Fraction>();
    }

    fn params(schema: &Value) -> Vec<ParamHeader> {
        let mut found = Vec::new();
        collect(schema, &[], &mut found);
        found
    }

    #[test]
    fn annotations_count_where_the_specification_allows_them() {
        let text = |name: &str| json!({"type": "string", "x-mcp-header": name});
        for (schema, found, all) in [
            (json!({"properties": {"region": text("Region")}}), 1, 1),
            (json!({"properties": {"at": {"properties": {"zone": text("Zone")}}}}), 1, 1),
            (json!({"properties": {"n": {"type": "number", "x-mcp-header": "N"}}}), 0, 1),
            (json!({"properties": {"n": {"type": ["string", "null"], "x-mcp-header": "N"}}}), 0, 1),
            (json!({"properties": {"list": {"items": text("Item")}}}), 0, 1),
            (json!({"anyOf": [{"properties": {"a": text("A")}}]}), 0, 1),
            (json!({"properties": {"a": text("")}}), 0, 1),
            (json!({"properties": {"a": text("no blanks")}}), 0, 1),
            (json!({"properties": {"a": text("a\r\nb")}}), 0, 1),
        ] {
            assert_eq!((params(&schema).len(), count(&schema)), (found, all), "{schema}");
        }
    }

    #[test]
    fn header_and_argument_must_agree() {
        for (header, argument, agrees) in [
            (Some("Europe/Berlin"), json!("Europe/Berlin"), true),
            (Some("=?base64?w4k=?="), json!("É"), true),
            (Some("europe/berlin"), json!("Europe/Berlin"), false),
            (Some("=?base64?!?="), json!("!"), false),
            (None, json!("UTC"), false),
            (None, Value::Null, true),
            (Some(""), Value::Null, false),
            (Some("42"), json!(42), true),
            (Some("42.0"), json!(42), true),
            (Some("9007199254740991"), json!(9_007_199_254_740_991_i64), true),
            (Some("9007199254740991"), json!(9_007_199_254_740_990_i64), false),
            (Some("true"), json!(true), true),
            (Some("True"), json!(true), false),
            (None, json!(["a"]), true),
            (Some("a"), json!(["a"]), false),
        ] {
            let name = HeaderName::from_static("mcp-param-x");
            let headers = header.map(|h| (name.clone(), HeaderValue::from_str(h).unwrap()));
            let headers: HeaderMap = headers.into_iter().collect();
            let body = Some(&argument).filter(|value| !value.is_null());
            assert_eq!(compare(&headers, &name, body).is_ok(), agrees, "{header:?} {argument}");
        }
    }
}
