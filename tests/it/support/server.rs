//! The real programs: started with a free port and keys of their own, ended when the test is.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::tokens;

/// How long a program may take to listen or to end before a test gives up.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The path of a program of this package, such as `step6` or `gen-token`.
pub(crate) fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_step1"))
        .with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A program of this package, without the settings of whoever runs the tests.
pub(crate) fn command(name: &str) -> Command {
    without_settings(Command::new(binary(name)))
}

fn without_settings(mut command: Command) -> Command {
    for (variable, _) in std::env::vars_os() {
        let ours = ["HOST", "PORT", "RUST_LOG"].contains(&&*variable.to_string_lossy());
        let families = [
            "MCP_",
            "KEYCLOAK_",
            "JWT_",
            "JWKS_",
            "INTROSPECTION_",
            "PROVIDER_",
            "OAUTH_",
            "DOWNSTREAM_",
            "EXCHANGE_",
        ];
        if ours || families.iter().any(|family| variable.to_string_lossy().starts_with(family)) {
            command.env_remove(variable);
        }
    }
    command
}

/// A running program that listens. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    errors: Option<thread::JoinHandle<()>>,
    log: Arc<Mutex<String>>,
    client: reqwest::Client,
    /// `http://localhost:PORT`, which is its public URL as well unless a flag says otherwise.
    pub(crate) url: String,
    /// Where it listens, such as `127.0.0.1:41234`.
    pub(crate) address: String,
    /// Where its key pair is; the pair is [`super::key_pair`].
    pub(crate) keys: TempDir,
}

impl Server {
    /// Starts a step, such as `step6`.
    pub(crate) fn start(step: &str) -> Self {
        Self::start_with(step, [] as [&str; 0])
    }

    /// Starts a step with more flags.
    pub(crate) fn start_with<S: AsRef<OsStr>>(
        step: &str,
        flags: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::try_start(step, flags).unwrap_or_else(|log| panic!("{step} does not listen:\n{log}"))
    }

    /// Starts a step with more flags; when it ends before it listens, what it said.
    pub(crate) fn try_start<S: AsRef<OsStr>>(
        step: &str,
        flags: impl IntoIterator<Item = S>,
    ) -> Result<Self, String> {
        Self::spawn(command(step), tokens::key_folder(), flags)
    }

    /// Starts a step that finds no keys and must make its own.
    pub(crate) fn start_without_keys(step: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::spawn(command(step), folder, [] as [&str; 0])
            .unwrap_or_else(|log| panic!("{step} does not listen:\n{log}"))
    }

    /// Starts a step after some commands of a shell, such as `ulimit -n 80`.
    #[cfg(unix)]
    pub(crate) fn try_start_in_shell<S: AsRef<OsStr>>(
        step: &str,
        commands: &str,
        flags: impl IntoIterator<Item = S>,
    ) -> Result<Self, String> {
        let mut shell = without_settings(Command::new("sh"));
        shell.args(["-c", &format!("{commands}; exec \"$0\" \"$@\"")]).arg(binary(step));
        Self::spawn(shell, tokens::key_folder(), flags)
    }

    fn spawn<S: AsRef<OsStr>>(
        mut command: Command,
        keys: TempDir,
        flags: impl IntoIterator<Item = S>,
    ) -> Result<Self, String> {
        let mut child = command
            // Everything there is to say, unless a flag wants less: what nobody logs, no log can give away.
            .env("RUST_LOG", "trace")
            .args(["--port", "0", "--keys-dir"])
            .arg(keys.path())
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let log = Arc::new(Mutex::new(String::new()));
        let errors = collect(child.stderr.take().expect("piped"), &log, |_| {});
        let (found, listening) = mpsc::channel();
        collect(child.stdout.take().expect("piped"), &log, move |line| {
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                let _ = found.send(address.to_owned());
            }
        });
        // The end of its output is the end of the wait, too: a program that died is not waited for.
        let Ok(address) = listening.recv_timeout(START_TIMEOUT) else {
            let _ = child.kill();
            let _ = child.wait();
            let _ = errors.join();
            return Err(log.lock().unwrap().clone());
        };
        let port = address.rsplit(':').next().expect("an address has a port");
        let url = format!("http://localhost:{port}");
        let (errors, client) = (Some(errors), super::http::client());
        Ok(Self { child, errors, log, client, url, address, keys })
    }

    /// A request to a path of this server.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// What it has written so far, output and log.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until its output or log contains `text`.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "no `{text}` in:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own: not every machine has a program of that name.
        let kill = format!("kill -s {name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh runs");
        assert!(status.success(), "{kill}");
    }

    /// How it ended, if it has; waits for that.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "still runs:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(errors) = self.errors.take() {
            let _ = errors.join();
        }
        if thread::panicking() {
            eprintln!("---- the server said:\n{}", self.log());
        } else if let Some(secret) = super::secrets::found_in(&self.log()) {
            panic!("{secret} is in the log:\n{}", self.log());
        }
    }
}

/// Reads a stream line by line to its end, so that the program never blocks on a full pipe.
fn collect(
    stream: impl Read + Send + 'static,
    log: &Arc<Mutex<String>>,
    mut each: impl FnMut(&str) + Send + 'static,
) -> thread::JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.lock().unwrap().push_str(&format!("{line}\n"));
            each(&line);
        }
    })
}
