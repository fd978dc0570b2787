//! The form that asks the user for a confirmation, and the answer to it.
//!
//! Specs: MCP 2026-07-28 client/elicitation (forms); basic/patterns/mrtr.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{jsonrpc::ErrorObject, mcp::protocol::MISSING_CLIENT_CAPABILITY};

/// `InputRequiredResult` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InputRequiredResult {
    input_requests: InputRequests,
    pub(super) request_state: String,
}

#[derive(Debug, Serialize)]
struct InputRequests {
    confirm: ElicitRequest,
}

#[derive(Debug, Serialize)]
struct ElicitRequest {
    method: &'static str,
    params: ElicitParams,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ElicitParams {
    mode: &'static str,
    message: &'static str,
    requested_schema: FormSchema,
}

#[derive(Debug, Serialize)]
struct FormSchema {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: FormProperties,
    required: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct FormProperties {
    confirm: BooleanSchema,
}

#[derive(Debug, Serialize)]
struct BooleanSchema {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
}

impl InputRequiredResult {
    /// Asks the user to confirm `message`.
    pub(super) fn confirm(message: &'static str, request_state: String) -> Self {
        let input_requests = InputRequests { confirm: ElicitRequest::form(message) };
        Self { input_requests, request_state }
    }
}

impl ElicitRequest {
    /// A form with one box to tick.
    fn form(message: &'static str) -> Self {
        let confirm = BooleanSchema { kind: "boolean", title: "Yes, go ahead" };
        let properties = FormProperties { confirm };
        let requested_schema = FormSchema { kind: "object", properties, required: ["confirm"] };
        let params = ElicitParams { mode: "form", message, requested_schema };
        Self { method: "elicitation/create", params }
    }
}

/// `elicitation` without any mode means forms.
pub(super) fn supports_forms(capabilities: &RawValue) -> bool {
    let capabilities = read(capabilities);
    let modes = capabilities.get("elicitation").and_then(Value::as_object);
    modes.is_some_and(|modes| modes.is_empty() || modes.contains_key("form"))
}

/// What cannot be read, such as a lone surrogate, counts as absent.
fn read(json: &RawValue) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}

pub(super) fn missing_capability() -> ErrorObject {
    #[derive(Default, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        required_capabilities: Elicitation,
    }

    #[derive(Default, Serialize)]
    struct Elicitation {
        elicitation: Modes,
    }

    #[derive(Default, Serialize)]
    struct Modes {
        form: Enabled,
    }

    #[derive(Default, Serialize)]
    struct Enabled {}

    let message = "Missing required client capability: elicitation";
    ErrorObject::new(MISSING_CLIENT_CAPABILITY, message).with_data(&Data::default())
}

/// What the user answered, if they did.
pub(super) fn answer(responses: &RawValue) -> Option<bool> {
    #[derive(Deserialize)]
    struct Responses {
        confirm: ElicitResult,
    }

    #[derive(Deserialize)]
    struct ElicitResult {
        action: String,
        content: Option<Content>,
    }

    #[derive(Deserialize)]
    struct Content {
        confirm: bool,
    }

    let responses = serde_json::from_str::<Responses>(responses.get()).ok()?;
    match responses.confirm.action.as_str() {
        "accept" => responses.confirm.content.map(|content| content.confirm),
        "decline" | "cancel" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elicitation_means_forms_unless_it_names_other_modes() {
        for (capabilities, expected) in [
            (r#"{"elicitation":{}}"#, true),
            (r#"{"elicitation":{"form":{}}}"#, true),
            (r#"{"elicitation":{"form":{},"url":{}}}"#, true),
            (r#"{"elicitation":{"url":{}}}"#, false),
            (r#"{"elicitation":true}"#, false),
            (r#"{"sampling":{}}"#, false),
        ] {
            let json: Box<RawValue> = serde_json::from_str(capabilities).unwrap();
            assert_eq!(supports_forms(&json), expected, "{capabilities}");
        }
    }
}
