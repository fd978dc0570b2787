//! `recent_calls` and `clear_call_log`, for administrators.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::mcp::{
    call_log::{CallLog, CallRecord},
    tools::Tool,
};

use super::arguments::{NoArguments, whole_number};

#[derive(Debug, Deserialize, JsonSchema)]
struct RecentCallsRequest {
    /// How many calls at most
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

#[derive(Debug, Serialize, JsonSchema)]
struct RecentCalls {
    /// The latest first
    calls: Vec<CallRecord>,
}

impl fmt::Display for RecentCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in &self.calls {
            let user = call.user.as_deref().unwrap_or("anonymous");
            let target = call.target.as_deref().unwrap_or_default();
            writeln!(f, "{} {user} {} {target} {:?}", call.at, call.method, call.result)?;
        }
        Ok(())
    }
}

/// `recent_calls`: the latest calls, with user, target and outcome.
pub fn recent_calls(call_log: &CallLog) -> Tool {
    let call_log = call_log.clone();
    let run = move |request: RecentCallsRequest, _| {
        let calls = call_log.recent(request.limit.into());
        async { Ok(RecentCalls { calls }) }
    };
    let description = "List the latest calls since the server started: the user, the method and its target, and the outcome";
    Tool::new("recent_calls", "Recent calls", description, run)
}

#[derive(Debug, Serialize, JsonSchema)]
struct ClearedCallLog {
    /// How many calls were deleted
    #[schemars(with = "i64")]
    deleted: usize,
}

impl fmt::Display for ClearedCallLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deleted {} calls", self.deleted)
    }
}

/// `clear_call_log`: deletes what `recent_calls` lists, once the user confirmed it.
pub fn clear_call_log(call_log: &CallLog) -> Tool {
    let call_log = call_log.clone();
    let run = move |_: NoArguments, _| {
        let deleted = call_log.clear();
        async move { Ok(ClearedCallLog { deleted }) }
    };
    let description = "Delete the log of calls; the user has to confirm it";
    Tool::new("clear_call_log", "Clear the call log", description, run)
        .with_confirmation("Delete the log of calls? This cannot be undone.")
}
