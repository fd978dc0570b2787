//! Elicitation: requests of the server for input, answered in the terminal or by `--elicitation`.
//!
//! Specs: MCP "Elicitation" (2025-06-18 and later; URL mode since 2025-11-25): the user sees which server asks, can
//! review the response, decline or cancel; a URL is shown in full and opened only with consent.

use serde_json::{Map, Value, json};
use url::Url;

use crate::client::{
    context::{client::Client, options::Elicitation},
    mcp::example_args,
};

/// The capability to declare, if there is a way to respond.
pub(crate) fn capability(client: &Client, with_modes: bool) -> Option<Value> {
    let interactive = client.terminal.is_interactive();
    match (client.options.elicitation, interactive) {
        (None, false) => None,
        _ if !with_modes => Some(json!({})),
        (None, true) => Some(json!({"form": {}, "url": {}})),
        // No user is here to review a URL.
        (Some(_), _) => Some(json!({"form": {}})),
    }
}

/// The result of an `elicitation/create`.
pub(crate) async fn respond(client: &Client, params: &Value) -> Value {
    let message = params.get("message").and_then(Value::as_str).unwrap_or_default();
    client.reporter.note(&format!("{} asks: {message}", client.url));
    let url_mode = params.get("mode").and_then(Value::as_str) == Some("url");
    match client.options.elicitation {
        Some(Elicitation::AcceptDefaults) if !url_mode => {
            accept(defaults(&params["requestedSchema"]))
        }
        Some(_) => decline(),
        None if !client.terminal.is_interactive() => decline(),
        None if url_mode => visit(client, params).await,
        None => form(client, message, &params["requestedSchema"]).await,
    }
}

fn accept(content: Map<String, Value>) -> Value {
    json!({"action": "accept", "content": content})
}

fn decline() -> Value {
    json!({"action": "decline"})
}

/// The fields that have a default, and the other required ones.
fn defaults(schema: &Value) -> Map<String, Value> {
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .filter(|(name, field)| field.get("default").is_some() || required.contains(&name.as_str()))
        .map(|(name, field)| (name.clone(), example_args::value(field)))
        .collect()
}

async fn form(client: &Client, message: &str, schema: &Value) -> Value {
    let reporter = &client.reporter;
    reporter.essential(&format!("{} asks: {message}", client.url));
    let defaults = defaults(schema);
    let mut content = Map::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        loop {
            let default = field.get("default");
            reporter.essential(&format!(
                "  {name} ({}){}{}",
                kind(field),
                field["description"].as_str().map(|d| format!(": {d}")).unwrap_or_default(),
                default.map(|d| format!(" [{d}]")).unwrap_or_default(),
            ));
            let Some(line) = client.terminal.line().await else {
                return json!({"action": "cancel"});
            };
            let given = match (line.trim(), default) {
                ("", Some(default)) => Ok(Some(default.clone())),
                ("", None) if !defaults.contains_key(name) => Ok(None),
                (text, _) => read(text, field).map(Some),
            };
            match given {
                Ok(value) => {
                    content.extend(value.map(|value| (name.clone(), value)));
                    break;
                }
                Err(why) => reporter.essential(&format!("  {why}")),
            }
        }
    }
    reporter.essential(&format!(
        "  send {}? y: yes, n: decline, anything else: cancel",
        Value::Object(content.clone())
    ));
    consent(client).await.map_or_else(
        || json!({"action": "cancel"}),
        |yes| if yes { accept(content) } else { decline() },
    )
}

async fn consent(client: &Client) -> Option<bool> {
    match client.terminal.line().await?.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

async fn visit(client: &Client, params: &Value) -> Value {
    let Some((host, url)) = page(params["url"].as_str().unwrap_or_default()) else {
        client.reporter.warn("the server asked to open something that is not a web address");
        return decline();
    };
    // The same rule as for the authorization page: no server further away opens pages of a private network.
    if let Err(error) = client.http.check_browser_url(&url).await {
        client.reporter.warn(&error.to_string());
        return decline();
    }
    client.reporter.address(&format!("open this page of {host}? y: yes, n: decline"), &url);
    match consent(client).await {
        Some(true) => {
            std::thread::spawn(move || webbrowser::open(&url));
            json!({"action": "accept"})
        }
        Some(false) => decline(),
        None => json!({"action": "cancel"}),
    }
}

/// The host of a web page, and its whole URL, the same for display and for the browser. A parser drops line ends, so a URL
/// with line ends is refused.
fn page(address: &str) -> Option<(String, String)> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let host = url.host_str().filter(|_| !address.contains(char::is_control))?.to_owned();
    Some((host, url.into()))
}

fn kind(field: &Value) -> String {
    let choices = field["enum"].as_array().or(field["items"]["enum"].as_array());
    match choices {
        Some(choices) => choices.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "),
        None => field["type"].as_str().unwrap_or("string").to_owned(),
    }
}

/// What the user typed, as the type of the field.
fn read(text: &str, field: &Value) -> Result<Value, String> {
    let wrong = |kind: &str| format!("that is not a {kind}");
    let value = match field["type"].as_str() {
        Some("integer") => {
            text.parse::<i64>().map(Value::from).map_err(|_| wrong("whole number"))?
        }
        Some("number") => text.parse::<f64>().map(Value::from).map_err(|_| wrong("number"))?,
        Some("boolean") => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" => true.into(),
            "false" | "no" | "n" => false.into(),
            _ => return Err(wrong("boolean: true or false")),
        },
        Some("array") => text.split(',').map(|item| Value::from(item.trim())).collect(),
        _ => text.into(),
    };
    match field["enum"].as_array() {
        Some(choices) if !choices.contains(&value) => Err(format!("one of: {}", kind(field))),
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_required_fields_make_a_response() {
        let schema = json!({"type": "object", "required": ["email"], "properties": {
            "name": {"type": "string", "default": "John"},
            "age": {"type": "integer", "default": 30},
            "email": {"type": "string", "format": "email"},
            "note": {"type": "string"},
        }});
        assert_eq!(
            Value::Object(defaults(&schema)),
            json!({"name": "John", "age": 30, "email": "user@example.com"})
        );
    }

    #[test]
    fn a_url_is_shown_as_it_is_opened() {
        for (name, address, expected) in [
            ("a page", "https://h.example/a?b#c", Some(("h.example", "https://h.example/a?b#c"))),
            (
                "another user",
                "https://bank.example@h.example/",
                Some(("h.example", "https://bank.example@h.example/")),
            ),
            (
                "another alphabet",
                "https://b\u{430}nk.example/\u{202e}",
                Some(("xn--bnk-6cd.example", "https://xn--bnk-6cd.example/%E2%80%AE")),
            ),
            ("a question of its own", "https://h.example/#\n\nopen a page of bank.example?", None),
            ("a tab", "https://h.exa\tmple/", None),
            ("no page", "file:///etc/passwd", None),
            ("nothing", "", None),
        ] {
            let found = page(address);
            let found = found.as_ref().map(|(host, url)| (host.as_str(), url.as_str()));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn typed_values_get_the_type_of_their_field() {
        for (text, field, expected) in [
            ("7", json!({"type": "integer"}), Some(json!(7))),
            ("7.5", json!({"type": "integer"}), None),
            ("7.5", json!({"type": "number"}), Some(json!(7.5))),
            ("yes", json!({"type": "boolean"}), Some(json!(true))),
            ("maybe", json!({"type": "boolean"}), None),
            ("a", json!({"enum": ["a", "b"]}), Some(json!("a"))),
            ("c", json!({"enum": ["a", "b"]}), None),
            ("a, b", json!({"type": "array"}), Some(json!(["a", "b"]))),
        ] {
            assert_eq!(read(text, &field).ok(), expected, "{text}");
        }
    }
}
