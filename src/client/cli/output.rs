//! How results are shown: JSON lines for programs, text for people.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    client::{
        cli::run::{RunOutcome, Tool},
        context::redact::{layout, one_line, printable},
        mcp::session::{Outcome, Session},
        oauth::unauthorized::Authorizer,
    },
    jsonrpc::{ErrorObject, Object},
};

/// The first document of the output.
#[derive(Debug, Serialize)]
pub(crate) struct Listing<'a> {
    pub(crate) protocol: &'a str,
    pub(crate) server: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<String>,
    pub(crate) tools: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dropped: Vec<Value>,
    pub(crate) prompts: Vec<Box<RawValue>>,
    pub(crate) resources: Vec<Box<RawValue>>,
}

/// The other documents of the output, one for each thing that was done.
#[derive(Debug, Serialize)]
struct Done<'a> {
    kind: &'a str,
    name: &'a str,
    arguments: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorObject>,
}

impl<A: Authorizer> Session<A> {
    pub(crate) fn show_listing(&self, listing: &Listing<'_>, tools: &[Tool]) {
        if self.for_programs() {
            return line(listing);
        }
        let server = self.server["name"].as_str().unwrap_or("the server");
        print(&format!("{server} speaks MCP {}", self.version()));
        for tool in tools {
            print(&format!(
                "  tool      {:<20} {}",
                tool.name,
                tool.description.as_deref().unwrap_or_default()
            ));
        }
        for (kind, member, items) in
            [("prompt", "name", &listing.prompts), ("resource", "uri", &listing.resources)]
        {
            for item in items {
                let item: Value = serde_json::from_str(item.get()).unwrap_or_default();
                let text = |member: &str| item[member].as_str().unwrap_or_default().to_owned();
                print(&format!("  {kind:<9} {:<20} {}", text(member), text("description")));
            }
        }
    }

    pub(crate) fn show(
        &self,
        kind: &str,
        name: &str,
        arguments: &Object,
        outcome: Outcome,
        ending: &mut RunOutcome,
    ) {
        let failed = match &outcome {
            Ok(result) => serde_json::from_str::<Value>(result.get())
                .is_ok_and(|result| result["isError"] == true),
            Err(_) => true,
        };
        if failed {
            *ending = RunOutcome::CallFailed;
        }
        if self.for_programs() {
            let (result, error) = match &outcome {
                Ok(result) => (Some(result.as_ref()), None),
                Err(error) => (None, Some(error)),
            };
            return line(&Done { kind, name, arguments, result, error });
        }
        print(&format!("{kind} {name} {}", Value::Object(arguments.clone())));
        match outcome {
            Ok(result) => readable(&result),
            Err(error) => print(&format!("  error {}: {}", error.code, error.message)),
        }
    }

    pub(crate) fn for_programs(&self) -> bool {
        self.client.options.json || !io::stdout().is_terminal()
    }
}

/// Text as text, everything else as JSON.
fn readable(result: &RawValue) {
    let value: Value = serde_json::from_str(result.get()).unwrap_or_default();
    let texts = value["content"]
        .as_array()
        .map(|all| all.iter().map(|c| c["text"].as_str()).collect::<Vec<_>>());
    match texts {
        Some(texts) if !texts.is_empty() && texts.iter().all(Option::is_some) => {
            texts
                .into_iter()
                .flatten()
                .flat_map(str::lines)
                .for_each(|text| print(&format!("  {text}")));
        }
        _ => layout(&value).lines().for_each(|text| print(&format!("  {text}"))),
    }
}

fn print(text: &str) {
    // Whoever closed the pipe has seen enough.
    let _ = writeln!(io::stdout().lock(), "{}", printable(text));
}

fn line(document: &impl Serialize) {
    let document = serde_json::to_string(document).unwrap_or_default();
    // What came as text would keep the line ends between its tokens.
    let _ = writeln!(io::stdout().lock(), "{}", one_line(&document));
}
