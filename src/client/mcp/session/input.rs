//! Results that ask for input (`resultType`), and the retry with the responses.
//!
//! Specs: MCP 2026-07-28 basic (`resultType`), patterns/mrtr (multi round-trip requests).

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{Session, parse};
use crate::{
    client::{context::error::ClientError, mcp::elicitation, oauth::unauthorized::Authorizer},
    jsonrpc::Object,
};

impl<A: Authorizer> Session<A> {
    /// The parameters of a retry, if the result asks for input. A missing `resultType` means complete; an unknown one is
    /// an error (2026-07-28).
    pub(super) async fn required_input(
        &self,
        result: &RawValue,
    ) -> Result<Option<Object>, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct TypedResult {
            result_type: Option<String>,
            input_requests: Option<Map<String, Value>>,
            request_state: Option<Value>,
        }
        if !self.is_stateless() {
            return Ok(None);
        }
        let typed: TypedResult = parse(result)?;
        match typed.result_type.as_deref() {
            None | Some("complete") => return Ok(None),
            Some("input_required") => {}
            Some(other) => {
                return Err(ClientError::Protocol(format!("unknown resultType {other:?}")));
            }
        }
        let mut retry = Object::new();
        if let Some(requests) = typed.input_requests {
            let mut responses = Object::new();
            for (key, request) in requests {
                let response = match request["method"].as_str() {
                    Some("elicitation/create") => {
                        elicitation::respond(&self.client, &request["params"]).await
                    }
                    other => {
                        let method = other.unwrap_or("an input request without a method");
                        return Err(ClientError::Protocol(format!(
                            "the server sent {method}, for which the client declared no capability"
                        )));
                    }
                };
                responses.insert(key, response);
            }
            retry.insert("inputResponses".to_owned(), Value::Object(responses));
        }
        retry.extend(typed.request_state.map(|state| ("requestState".to_owned(), state)));
        Ok(Some(retry))
    }
}
