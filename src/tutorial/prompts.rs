//! `greeting`, `help` and `echo_prompt`.

use crate::mcp::prompts::Prompt;

/// `greeting`: a greeting for someone, or for the caller.
pub fn greeting() -> Prompt {
    Prompt::new("greeting", "Greeting", "Write a greeting, for someone else or for yourself")
        .caller_default("name", "Whom to greet; yourself if left out", |caller| {
            caller.display_name.clone()
        })
        .optional("style", "Such as formal or friendly")
        .complete_with("style", &["casual", "cheerful", "formal", "friendly", "poetic"])
        .render(|arguments| {
            let name = arguments.get("name").unwrap_or_default();
            let style = arguments.get("style").unwrap_or("friendly");
            format!("Please write a {style} greeting for {name}.")
        })
}

/// `help`: how to use this server.
pub fn help() -> Prompt {
    Prompt::new("help", "Help", "Learn what this server can do")
        .optional("topic", "Such as tools or prompts")
        .complete_with("topic", &["prompts", "resources", "scopes", "tools"])
        .render(|arguments| match arguments.get("topic") {
            Some(topic) => {
                format!("Please explain how to use this MCP server, in particular: {topic}.")
            }
            None => "Please explain which tools and prompts this MCP server offers, and give an example of each.".to_owned(),
        })
}

/// `echo_prompt`: the prompt of the original tutorial.
pub fn echo_prompt() -> Prompt {
    Prompt::new("echo_prompt", "Echo Prompt", "Echo prompt").required("message", "Message").render(
        |arguments| format!("Please echo: {}", arguments.get("message").unwrap_or_default()),
    )
}
