//! The tools and prompts of the tutorial: what this server is there for, were it not for the walls around it.

use std::{fmt, ops::RangeInclusive};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{prompts::Prompt, tools::Tool};

/// What `echo` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct EchoRequest {
    /// Message to echo
    #[schemars(title = "Message")]
    message: String,
    /// How many times to say it
    #[serde(default = "once", deserialize_with = "repeat_count")]
    #[schemars(title = "Repeat Count", range(min = 1, max = 10))]
    repeat_count: u8,
}

/// What `echo` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EchoResponse {
    /// The echoed message
    text: String,
}

impl fmt::Display for EchoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `echo`: says it again.
pub fn echo() -> Tool {
    Tool::new("echo", "Echo Tool", "Echo a message", |request: EchoRequest, _| async move {
        Ok(EchoResponse { text: request.repeated() })
    })
}

impl EchoRequest {
    /// The message, as often as it was asked for.
    pub(super) fn repeated(&self) -> String {
        self.message.repeat(self.repeat_count.into())
    }
}

fn once() -> u8 {
    1
}

fn repeat_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    whole_number("repeat_count", 1..=10, deserializer)
}

/// A number in a range. Models write `"3"` and `3.0` too, and the tutorial has always understood them.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(
    name: &str,
    range: RangeInclusive<u8>,
    deserializer: D,
) -> Result<u8, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
        Truth(bool),
    }

    let count = match Written::deserialize(deserializer) {
        Ok(Written::Number(number)) => Some(number),
        Ok(Written::Text(text)) => text.parse().ok(),
        Ok(Written::Truth(truth)) => Some(f64::from(u8::from(truth))),
        Err(_) => None,
    };
    range.clone().find(|&n| Some(f64::from(n)) == count).ok_or_else(|| {
        let (from, to) = range.into_inner();
        de::Error::custom(format!("{name} must be a whole number from {from} to {to}"))
    })
}

/// What `get_time` is asked: nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TimeRequest {}

/// What `get_time` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimeResponse {
    /// Now, in RFC 3339, UTC
    time: String,
    /// Now, in seconds since 1970-01-01T00:00:00Z
    unix: i64,
}

impl fmt::Display for TimeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.time)
    }
}

/// `get_time`: what time is it?
pub fn get_time() -> Tool {
    Tool::new("get_time", "Clock", "Get the current time (UTC)", |_: TimeRequest, _| async {
        let now = Timestamp::now();
        Ok(TimeResponse { time: format!("{now:.0}"), unix: now.as_second() })
    })
}

/// `greeting`: a letter's first line.
pub fn greeting() -> Prompt {
    Prompt::new("greeting", "Greeting", "Write a greeting for someone")
        .required("name", "Whom to greet")
        .optional("style", "How: formal, friendly, or what you like")
        .says(|arguments| {
            let style = arguments.get("style").unwrap_or("friendly");
            format!(
                "Please write a {style} greeting for {}.",
                arguments.get("name").unwrap_or_default()
            )
        })
}

/// `help`: how to use this server.
pub fn help() -> Prompt {
    Prompt::new("help", "Help", "Learn what this server can do")
        .optional("topic", "What to explain: tools, prompts, or what you like")
        .suggests("topic", ["prompts", "resources", "scopes", "tools"])
        .says(|arguments| match arguments.get("topic") {
            Some(topic) => format!("Please explain how to use this MCP server, in particular: {topic}."),
            None => "Please explain which tools and prompts this MCP server offers, and give an example of each.".to_owned(),
        })
}

/// `echo_prompt`: the tutorial's own.
pub fn echo_prompt() -> Prompt {
    Prompt::new("echo_prompt", "Echo Prompt", "Echo prompt")
        .required("message", "Message")
        .says(|arguments| format!("Please echo: {}", arguments.get("message").unwrap_or_default()))
}
