//! The command line: one run of the client, from its options to its exit code.
//!
//! | module | contents |
//! |---|---|
//! | `run` | lists, calls, prompts and resources, as the options ask for |
//! | `output` | results on standard output |

mod output;
mod run;

use std::{process::ExitCode, sync::Arc};

use crate::client::{
    check,
    context::{
        client::Client,
        error::{self, ClientError},
        options::Options,
        reporter::{Reporter, Verbosity},
    },
    mcp::session::Session,
    oauth::unauthorized::Authorizer,
};

/// Runs the client with the options of the command line. Exit codes: 0 done, 1 rejected or failed, 4 a call returned an
/// error.
pub async fn run(authorizer: impl Authorizer) -> ExitCode {
    match run_with(Options::from_command_line(), authorizer).await {
        Ok(failed_calls) => ExitCode::from(if failed_calls { 4 } else { 0 }),
        Err(error) => {
            let reporter = Reporter::new(Verbosity::Quiet);
            reporter.error(&error::chain(&error), error.hint().as_deref());
            ExitCode::FAILURE
        }
    }
}

/// Whether a call has failed.
async fn run_with(options: Options, authorizer: impl Authorizer) -> Result<bool, ClientError> {
    let client = Arc::new(Client::new(options).await?);
    if client.options.logout {
        return client.logout().await.map(|()| false);
    }
    if client.options.check.is_some() {
        return check::run(&client).await.map(|()| false);
    }
    let mut session = Session::open(client, authorizer).await?;
    let outcome = run::run(&mut session).await;
    session.close().await;
    outcome
}
