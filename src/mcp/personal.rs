//! Tools, prompts and resources that answer each caller differently.

use std::{
    collections::BTreeSet,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::principal::{Principal, ScopeSet};

use super::{
    catalog::{EchoRequest, whole_number},
    journal::{Journal, RecordedCall},
    prompts::Prompt,
    resources::{Resource, Template},
    tools::{Tool, ToolError},
};

/// For tools that make no sense without a caller.
fn known(caller: Option<Principal>) -> Result<Principal, ToolError> {
    caller.ok_or_else(|| ToolError("nobody is logged in; send an access token".to_owned()))
}

/// A tool's arguments: none.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Nothing {}

/// What `whoami` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WhoAmI {
    /// A name to show
    name: String,
    /// Stable and unique at the issuer
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The OAuth client that holds the token
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Who vouches for all this
    issuer: String,
    /// What the token may be used for
    scopes: Vec<String>,
    /// What the caller is
    roles: BTreeSet<String>,
    /// Seconds until the token expires
    #[schemars(with = "i64")]
    expires_in: u64,
}

impl From<&Principal> for WhoAmI {
    fn from(caller: &Principal) -> Self {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        Self {
            name: caller.name.clone(),
            subject: caller.subject.clone(),
            client: caller.client.clone(),
            issuer: caller.issuer.clone(),
            scopes: caller.scopes.iter().map(str::to_owned).collect(),
            roles: caller.roles.clone(),
            expires_in: caller.expires_at.saturating_sub(now),
        }
    }
}

impl fmt::Display for WhoAmI {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes = self.scopes.join(", ");
        let scopes = if scopes.is_empty() { "nothing" } else { &scopes };
        write!(
            f,
            "You are {}. Your token is from {}, is good for {scopes} and expires in {} seconds.",
            self.name, self.issuer, self.expires_in
        )
    }
}

/// `whoami`: what your token says of you.
pub fn whoami() -> Tool {
    Tool::new(
        "whoami",
        "Who am I",
        "Tell who is calling and what they may do",
        |_: Nothing, caller| async { Ok(WhoAmI::from(&known(caller)?)) },
    )
}

/// What `echo` says, and to whom.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonalEcho {
    /// The echoed message
    text: String,
    /// Who said it
    from: String,
}

impl fmt::Display for PersonalEcho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `echo`: says it again, and who said it.
pub fn echo() -> Tool {
    Tool::new("echo", "Echo Tool", "Echo a message", |request: EchoRequest, caller| async move {
        Ok(PersonalEcho { text: request.repeated(), from: known(caller)?.name.clone() })
    })
}

/// What `get_time` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ZonedTimeRequest {
    /// Time zone, such as Europe/Berlin; UTC if left out
    // Skipped, so that the schema does not offer null as the default of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("x-mcp-header" = "Timezone"))]
    timezone: Option<String>,
}

/// What `get_time` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ZonedTimeResponse {
    /// Now, in RFC 3339, in the time zone that was asked for
    time: String,
    /// Now, in seconds since 1970-01-01T00:00:00Z
    unix: i64,
}

impl fmt::Display for ZonedTimeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.time)
    }
}

/// `get_time`: what time is it, there?
pub fn get_time() -> Tool {
    Tool::new(
        "get_time",
        "Clock",
        "Get the current time",
        |request: ZonedTimeRequest, _| async move {
            let now = Timestamp::now();
            let time = match request.timezone {
                None => format!("{now:.0}"),
                Some(zone) => {
                    let local = now.in_tz(&zone).map_err(|_| {
                        ToolError(format!(
                            "there is no time zone {zone:?}; give a name such as Europe/Berlin"
                        ))
                    })?;
                    local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
                }
            };
            Ok(ZonedTimeResponse { time, unix: now.as_second() })
        },
    )
}

/// What `recent_calls` is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RecentCallsRequest {
    /// How many at the most
    #[serde(default = "twenty", deserialize_with = "limit")]
    #[schemars(with = "i64", range(min = 1, max = 200))]
    limit: u8,
}

fn twenty() -> u8 {
    20
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    whole_number("limit", 1..=200, deserializer)
}

/// What `recent_calls` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecentCalls {
    /// The latest first
    calls: Vec<RecordedCall>,
}

impl fmt::Display for RecentCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in &self.calls {
            let user = call.user.as_deref().unwrap_or("somebody");
            let target = call.target.as_deref().unwrap_or_default();
            writeln!(f, "{} {user} {} {target} {:?}", call.at, call.method, call.result)?;
        }
        Ok(())
    }
}

/// `recent_calls`: who called what since the start.
pub fn recent_calls(journal: &Journal) -> Tool {
    let journal = journal.clone();
    Tool::new(
        "recent_calls",
        "Recent calls",
        "List who called what since the server started",
        move |request: RecentCallsRequest, _| {
            let calls = journal.latest(request.limit.into());
            async { Ok(RecentCalls { calls }) }
        },
    )
}

/// What `forget_calls` says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Forgotten {
    /// How many calls were forgotten
    #[schemars(with = "i64")]
    forgotten: usize,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "forgot {} calls", self.forgotten)
    }
}

/// `forget_calls`: empties the list behind `recent_calls`, once a person has agreed.
pub fn forget_calls(journal: &Journal) -> Tool {
    let journal = journal.clone();
    let run = move |_: Nothing, _| {
        let forgotten = journal.clear();
        async move { Ok(Forgotten { forgotten }) }
    };
    Tool::new(
        "forget_calls",
        "Forget calls",
        "Forget who called what; a person is asked first",
        run,
    )
    .asks_first("Forget who called what since the server started? This cannot be undone.")
}

/// `greeting`: a letter's first line, to the caller unless it is to be somebody else.
pub fn greeting() -> Prompt {
    Prompt::new("greeting", "Greeting", "Write a greeting, for yourself or for someone else")
        .optional("name", "Whom to greet; yourself if left out")
        .optional("style", "How: formal, friendly, or what you like")
        .suggests_to("name", |caller| {
            caller.map(|caller| caller.name.clone()).into_iter().collect()
        })
        .suggests("style", ["casual", "cheerful", "formal", "friendly", "poetic"])
        .says_to(|arguments, caller| {
            let style = arguments.get("style").unwrap_or("friendly");
            let caller = caller.map_or("the reader", |caller| &caller.name);
            let name = arguments.get("name").unwrap_or(caller);
            format!("Please write a {style} greeting for {name}.")
        })
}

/// The caller's profile.
#[derive(Debug, Serialize)]
struct Profile<'a> {
    name: &'a str,
    subject: Option<&'a str>,
    client: Option<&'a str>,
    issuer: &'a str,
    scopes: &'a ScopeSet,
    roles: &'a BTreeSet<String>,
}

/// `tutorial://me`: the caller's profile.
pub fn profile() -> Resource {
    let names = ["profile", "Your profile", "Who you are to this server, as your token says it"];
    Resource::new("tutorial://me", "application/json", names, |caller| {
        let profile = caller.map(|caller| Profile {
            name: &caller.name,
            subject: caller.subject.as_deref(),
            client: caller.client.as_deref(),
            issuer: &caller.issuer,
            scopes: &caller.scopes,
            roles: &caller.roles,
        });
        serde_json::to_string_pretty(&profile).expect("a profile is serializable")
    })
}

/// `tutorial://guide`: all chapters, one after the other.
pub fn guide(chapters: &[String]) -> Resource {
    let text = chapters.join("\n");
    let names = ["guide", "Guide", "What each chapter of the tutorial adds, and what to try"];
    Resource::new("tutorial://guide", "text/markdown", names, move |_| text.clone())
}

/// `tutorial://guide/{chapter}`: one of them, by its number.
pub fn chapter(chapters: &[String]) -> Template {
    let chapters = chapters.to_vec();
    let numbers = (1..=chapters.len()).map(|number| number.to_string()).collect();
    let names = ["chapter", "Chapter of the guide", "What one chapter of the tutorial adds"];
    Template::new(
        ["tutorial://guide/", "chapter"],
        "text/markdown",
        names,
        numbers,
        move |number, _| {
            // 01 is not 1: one resource has one name.
            let index = (1..=chapters.len()).find(|index| index.to_string() == number)?;
            Some(chapters[index - 1].clone())
        },
    )
}
