//! Progress on standard error: thirteen numbered stages, and every request and response between them.
//!
//! Results go to standard output, so a pipe gets results alone. Secrets are shortened, and control characters that a server
//! sent never reach the terminal.

pub(crate) mod redact;

use std::io::{IsTerminal, Write};

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use crate::client::context::{
    credentials::secret::shorten,
    reporter::redact::{layout, printable, redact, redact_credentials, redact_url},
};

/// A stage of the authorization flow, numbered as in the posts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    FirstRequest = 1,
    Challenge,
    ResourceMetadata,
    AuthorizationServer,
    ServerMetadata,
    Registration,
    Client,
    Authorization,
    AuthorizationResponse,
    TokenRequest,
    Token,
    Request,
    Results,
}

/// How much is reported.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Writes the progress report. Cheap to clone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reporter {
    verbosity: Verbosity,
    style: Style,
}

#[derive(Debug, Clone, Copy)]
struct Style {
    ansi: bool,
}

impl Style {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.ansi { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

const MAX_BODY_LINES: usize = 30;
const MAX_LINE_CHARS: usize = 2000;
/// Headers that matter to the flow; the others are shown with `-v`.
const HEADERS: [&str; 13] = [
    "authorization",
    "dpop",
    "dpop-nonce",
    "last-event-id",
    "location",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "retry-after",
    "www-authenticate",
    "allow",
    "mcp-param-",
];

impl Reporter {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { verbosity, style: Style { ansi } }
    }

    /// The heading of a stage.
    pub(crate) fn stage(&self, stage: Stage, title: &str) {
        let number = self.style.wrap("1;36", &format!("[{}]", stage as u8));
        let title = self.style.wrap("1", &printable(title));
        self.line(Verbosity::Normal, &format!("\n{number} {title}"));
    }

    /// Why stages that were passed before are repeated.
    pub(crate) fn repeat(&self, why: &str) {
        let text = self.style.wrap("1", &printable(why));
        self.line(Verbosity::Normal, &format!("\n{text}"));
    }

    /// A successful check: the client would have stopped here.
    pub(crate) fn verified(&self, text: &str) {
        let tick = self.style.wrap("32", "ok");
        self.line(Verbosity::Normal, &format!("    {tick} {}", printable(text)));
    }

    /// A remark inside a stage.
    pub(crate) fn note(&self, text: &str) {
        self.line(Verbosity::Normal, &format!("    {}", printable(text)));
    }

    /// Something that the user must act upon. Always shown.
    pub(crate) fn essential(&self, text: &str) {
        self.line(Verbosity::Quiet, &format!("\n{}\n", self.style.wrap("4", &printable(text))));
    }

    /// The same for an address, which gets a line of its own.
    pub(crate) fn address(&self, text: &str, url: &str) {
        let [text, url] = [text, url].map(|line| self.style.wrap("4", &printable(line)));
        self.line(Verbosity::Quiet, &format!("\n{text}\n{url}\n"));
    }

    /// A remark that is shown with `-v`.
    pub(crate) fn detail(&self, text: &str) {
        let text = self.style.wrap("2", &printable(text));
        self.line(Verbosity::Verbose, &format!("    {text}"));
    }

    /// A warning. Always shown.
    pub(crate) fn warn(&self, text: &str) {
        let word = self.style.wrap("33", "warning:");
        self.line(Verbosity::Quiet, &format!("{word} {}", printable(text)));
    }

    /// Why the program stops, and what to do. Always shown.
    pub(crate) fn error(&self, text: &str, hint: Option<&str>) {
        let word = self.style.wrap("1;31", "error:");
        self.line(Verbosity::Quiet, &format!("\n{word} {}", printable(text)));
        if let Some(hint) = hint {
            self.line(Verbosity::Quiet, &format!("  {}", printable(hint)));
        }
    }

    /// A request, before it is sent.
    pub(crate) fn request(&self, method: &str, url: &str, headers: &HeaderMap, body: Option<&str>) {
        let arrow = self.style.wrap("32", "->");
        let url = printable(&redact_url(url));
        self.line(Verbosity::Normal, &format!("    {arrow} {method} {url}"));
        self.headers(headers);
        if let Some(body) = body {
            self.body(body);
        }
    }

    /// The status and headers of a response.
    pub(crate) fn response(&self, status: reqwest::StatusCode, headers: &HeaderMap) {
        let code = if status.is_client_error() || status.is_server_error() { "31" } else { "32" };
        let arrow = self.style.wrap(code, "<-");
        self.line(Verbosity::Normal, &format!("    {arrow} {status}"));
        self.headers(headers);
    }

    fn headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let known = HEADERS.iter().any(|h| name.as_str().starts_with(h));
            let verbosity = if known { Verbosity::Normal } else { Verbosity::Verbose };
            let value = match name.as_str() {
                "authorization" => redact_credentials(value.to_str().unwrap_or_default()),
                "dpop" => shorten(value.to_str().unwrap_or_default()),
                "location" => redact_url(&String::from_utf8_lossy(value.as_bytes())),
                "set-cookie" | "cookie" => "…".to_owned(),
                _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            let value: String = value.chars().take(MAX_LINE_CHARS).collect();
            let name = self.style.wrap("2", &format!("{name}:"));
            self.line(verbosity, &format!("       {name} {}", printable(&value)));
        }
    }

    /// A body: JSON is laid out, secrets are shortened, and what is long is cut unless `-v` is given.
    pub(crate) fn body(&self, body: &str) {
        if self.verbosity < Verbosity::Normal || body.is_empty() {
            return;
        }
        let text = match serde_json::from_str::<Value>(body) {
            Ok(mut value) => {
                redact(&mut value);
                layout(&value)
            }
            Err(_) if body.trim_start().starts_with('<') && self.verbosity == Verbosity::Normal => {
                format!("(an HTML page, {} bytes; -v shows it)", body.len())
            }
            Err(_) => body.to_owned(),
        };
        let lines: Vec<_> = text.lines().collect();
        let verbose = self.verbosity == Verbosity::Verbose;
        let shown = if verbose { lines.len() } else { MAX_BODY_LINES };
        for line in lines.iter().take(shown) {
            let line: String = line.chars().take(MAX_LINE_CHARS).collect();
            self.line(Verbosity::Normal, &format!("       {}", printable(&line)));
        }
        if lines.len() > shown {
            let rest = format!("… {} more lines, -v shows them", lines.len() - shown);
            self.line(Verbosity::Normal, &format!("       {}", self.style.wrap("2", &rest)));
        }
    }

    /// The body of a response that may contain secrets. In a JSON object they can be found (RFC 6749, 5.1; RFC 7591, 3.2);
    /// anything else is not shown.
    pub(crate) fn confidential_body(&self, body: &str) {
        match serde_json::from_str::<Map<String, Value>>(body) {
            Err(_) if !body.is_empty() => {
                self.line(Verbosity::Normal, &format!("       ({} bytes, not JSON)", body.len()));
            }
            _ => self.body(body),
        }
    }

    fn line(&self, verbosity: Verbosity, text: &str) {
        if verbosity <= self.verbosity {
            // A closed standard error does not stop the run.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }
}
