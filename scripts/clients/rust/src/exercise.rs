//! What the server offers, used once: tools, prompts, resources, completion.

use std::error::Error;

use rmcp::model::{
    CallToolRequestParams, GetPromptRequestParams, JsonObject, ReadResourceRequestParams,
};
use serde_json::{Value, json, to_value};

use crate::{Session, browser::Browser};

pub async fn run(session: &Session, browser: &mut Browser) -> Result<(), Box<dyn Error>> {
    let client = &session.client;
    let server = client.peer_info().ok_or("the server has not said who it is")?;
    println!("protocol {}", server.protocol_version);
    let offers = &server.capabilities;

    let tools = client.list_all_tools().await?;
    println!("tools {}", tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>().join(" "));
    let echo = call("echo", json!({"message": "hello from Rust"}));
    let result = match client.call_tool(echo.clone()).await {
        Err(error) if error.auth_challenge().is_some() => {
            session.step_up(error, browser).await?;
            client.call_tool(echo).await?
        }
        result => result?,
    };
    println!("echo {}", text(&to_value(&result.content)?, "/0/text"));
    let time = client.call_tool(call("get_time", json!({}))).await?;
    println!("get_time {}", text(&time.structured_content.unwrap_or_default(), "/time"));

    for prompt in client.list_all_prompts().await? {
        let arguments = match prompt.name.as_str() {
            "greeting" => json!({"name": "Ada"}),
            "echo_prompt" => json!({"message": "hi"}),
            _ => json!({}),
        };
        let answer = client
            .get_prompt(GetPromptRequestParams::new(&prompt.name).with_arguments(object(arguments)))
            .await?;
        let messages = to_value(&answer.messages)?;
        println!("prompt {} {}", prompt.name, text(&messages, "/0/content/text"));
    }
    if offers.resources.is_some() {
        for resource in client.list_all_resources().await? {
            let request = ReadResourceRequestParams::new(&resource.uri);
            let contents = to_value(client.read_resource(request).await?.contents)?;
            let line = text(&contents, "/0/text").lines().next().unwrap_or_default();
            println!("resource {} {line}", resource.uri);
        }
        for template in client.list_all_resource_templates().await? {
            let values =
                client.complete_resource_simple(&template.uri_template, "name", "").await?;
            println!("completes name {}", values.join(" "));
        }
    }
    if offers.completions.is_some() {
        let values = client.complete_prompt_simple("greeting", "style", "f").await?;
        println!("completes style {}", values.join(" "));
    }
    Ok(())
}

fn object(value: Value) -> JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

fn call(name: &'static str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(object(arguments))
}

/// The text at a place (RFC 6901), or nothing.
fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}
