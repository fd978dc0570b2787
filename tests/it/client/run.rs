//! Step 11 as a user starts it: its arguments, its exit code, its two outputs.

use std::{
    ffi::OsStr,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::mock::{ACCESS, CODE, Mock, REFRESH};
use crate::support::command;

/// The exit code and the outputs.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    /// Standard output, a JSON document a line.
    pub(crate) results: Vec<Value>,
    /// The same, as it was written.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) progress: String,
}

impl Run {
    /// Asserts that it stopped with exit code 1, and why.
    #[track_caller]
    pub(crate) fn failed(&self, why: &str) {
        assert_eq!(self.code, Some(1), "{}", self.progress);
        assert!(self.progress.contains(why), "no `{why}` in:\n{}", self.progress);
    }

    /// Asserts that it succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert_eq!(self.code, Some(0), "{}", self.progress);
    }
}

/// A home folder of its own, so that nothing of the user who runs the tests is read or changed.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.0.path().join("mcp/credentials.json")
    }

    pub(crate) fn stored(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.credentials()).expect("a file")).expect("JSON")
    }

    /// Step 11 with these arguments, not yet started.
    pub(crate) fn program<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut program = command("step11");
        program
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path())
            .env_remove("BROWSER");
        program.args(arguments);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    /// Starts step 11 for a mock.
    pub(crate) fn start<S: AsRef<OsStr>>(
        &self,
        mock: &Mock,
        arguments: impl IntoIterator<Item = S>,
    ) -> Child {
        self.program(arguments).arg(mock.mcp()).spawn().expect("step11 starts")
    }

    /// Runs step 11 to its end, with the credentials file of this home.
    pub(crate) async fn run(&self, mock: &Mock, arguments: &[&str]) -> Run {
        let file = self.credentials();
        let kept = ["--headless", "--credentials-file", file.to_str().expect("text")];
        finish(self.start(mock, kept.iter().chain(arguments))).await
    }
}

/// Runs step 11 to its end, headless, keeping nothing.
pub(crate) async fn headless(mock: &Mock, arguments: &[&str]) -> Run {
    let home = Home::new();
    finish(home.start(mock, ["--headless"].iter().chain(arguments))).await
}

/// The same, with the mock's authorization server as the one to trust: required where secrets are sent unattended.
pub(crate) async fn pinned(mock: &Mock, arguments: &[&str]) -> Run {
    headless(mock, &[&["--issuer", &mock.facts.url], arguments].concat()).await
}

/// An assertion for these audiences, signed by nobody: the client only reads it.
pub(crate) fn assertion(aud: impl Into<Value>) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "https://idp.example.com", "aud": aud.into()});
    format!("{}.{}.signature", part(json!({"alg": "ES256"})), part(claims))
}

/// Waits for the end. No secret of the mock may be in the outputs.
pub(crate) async fn finish(child: Child) -> Run {
    let output = tokio::task::spawn_blocking(|| in_time(child)).await.expect("no panic");
    let (results, progress) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    for secret in [ACCESS, REFRESH, CODE] {
        assert!(
            !progress.contains(secret) && !results.contains(secret),
            "{secret} in:\n{progress}\n{results}"
        );
    }
    Run {
        code: output.status.code(),
        results: results.lines().map(|line| serde_json::from_str(line).expect(line)).collect(),
        output: results,
        progress,
    }
}

/// The output of a program that ends by itself; one that does not is ended.
fn in_time(mut child: Child) -> Output {
    let mut streams = (child.stdout.take(), child.stderr.take());
    let outputs = thread::spawn(move || {
        let errors = thread::spawn(move || read(&mut streams.1));
        (read(&mut streams.0), errors.join().expect("no panic"))
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            None => {
                let _ = child.kill();
                break child.wait().expect("a child can be waited for");
            }
        }
    };
    let (stdout, stderr) = outputs.join().expect("no panic");
    Output { status, stdout, stderr }
}

fn read(stream: &mut Option<impl Read>) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.read_to_end(&mut text);
    }
    text
}
