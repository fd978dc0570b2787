//! `echo` and `get_time`.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::mcp::tools::{Tool, ToolError};

use super::arguments::whole_number;

#[derive(Debug, Deserialize, JsonSchema)]
struct EchoRequest {
    /// Message to echo
    #[schemars(title = "Message")]
    message: String,
    /// How many times to repeat it
    #[serde(default = "once", deserialize_with = "repeat_count")]
    #[schemars(title = "Repeat Count", range(min = 1, max = 10))]
    repeat_count: u8,
}

fn once() -> u8 {
    1
}

fn repeat_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    whole_number("repeat_count", 1..=10, deserializer)
}

#[derive(Debug, Serialize, JsonSchema)]
struct EchoResponse {
    /// The echoed message
    text: String,
    /// The name of the caller, if authenticated
    // Skipped, so that the schema does not allow null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    #[serde(default)]
    from: Option<String>,
}

impl fmt::Display for EchoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `echo`: repeats a message, and names the caller.
pub fn echo() -> Tool {
    Tool::new("echo", "Echo Tool", "Echo a message", |request: EchoRequest, caller| async move {
        Ok(EchoResponse {
            text: request.message.repeat(request.repeat_count.into()),
            from: caller.map(|caller| caller.display_name.clone()),
        })
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
struct TimeRequest {
    /// Time zone, such as Europe/Berlin; UTC if left out
    // Skipped, so that the schema does not offer null as the default of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("x-mcp-header" = "Timezone"))]
    timezone: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TimeResponse {
    /// The current time in RFC 3339, in the requested time zone
    time: String,
    /// The current time in seconds since 1970-01-01T00:00:00Z
    unix: i64,
}

impl fmt::Display for TimeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.time)
    }
}

/// `get_time`: the current time, in any time zone.
pub fn get_time() -> Tool {
    Tool::new("get_time", "Clock", "Get the current time", |request: TimeRequest, _| async move {
        let now = Timestamp::now();
        let time = match request.timezone {
            None => format!("{now:.0}"),
            Some(zone) => {
                let local = now.in_tz(&zone).map_err(|_| {
                    ToolError(format!(
                        "unknown time zone {zone:?}; use a name such as Europe/Berlin"
                    ))
                })?;
                local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
            }
        };
        Ok(TimeResponse { time, unix: now.as_second() })
    })
}
