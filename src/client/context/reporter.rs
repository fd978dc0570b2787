//! What the reader sees: thirteen numbered stages, every request and every answer between them.
//!
//! The story goes to standard error, results go to standard output: a pipe gets results alone. Secrets are shortened
//! before they come here or on their way out, and control characters of a server never reach the terminal.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use crate::client::context::{
    redact::{layout, printable, redact, redact_credentials, redact_url},
    secret::shorten,
};

/// A stage of the way in, numbered as in the tutorial's posts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    Ask = 1,
    Challenge,
    ResourceMetadata,
    AuthorizationServer,
    ServerMetadata,
    Registration,
    Client,
    Authorization,
    AuthorizationCode,
    TokenRequest,
    Token,
    Session,
    Result,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Tells the story. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    level: Verbosity,
    paint: Arc<Style>,
}

#[derive(Debug)]
struct Style {
    on: bool,
}

impl Style {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

const LINES_OF_BODY: usize = 30;
/// Headers that are part of the lesson; the others are shown with `-v`.
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
    pub(crate) fn new(level: Verbosity) -> Self {
        let on = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { level, paint: Arc::new(Style { on }) }
    }

    /// Opens a stage.
    pub(crate) fn stage(&self, stage: Stage, title: &str) {
        let number = self.paint.wrap("1;36", &format!("[{}]", stage as u8));
        self.line(
            Verbosity::Normal,
            &format!("\n{number} {}", self.paint.wrap("1", &printable(title))),
        );
    }

    /// Something that was verified: a place where the client would have stopped.
    pub(crate) fn verified(&self, text: &str) {
        let tick = self.paint.wrap("32", "ok");
        self.line(Verbosity::Normal, &format!("    {tick} {}", printable(text)));
    }

    /// A remark inside a stage.
    pub(crate) fn note(&self, text: &str) {
        self.line(Verbosity::Normal, &format!("    {}", printable(text)));
    }

    /// Something that a person needs to act upon, on a line of its own.
    pub(crate) fn essential(&self, text: &str) {
        self.line(Verbosity::Quiet, &format!("\n{}\n", self.paint.wrap("4", &printable(text))));
    }

    /// The same for an address, which gets a line of its own.
    pub(crate) fn address(&self, text: &str, url: &str) {
        let [text, url] = [text, url].map(|line| self.paint.wrap("4", &printable(line)));
        self.line(Verbosity::Quiet, &format!("\n{text}\n{url}\n"));
    }

    /// A remark for those who want everything.
    pub(crate) fn detail(&self, text: &str) {
        let text = self.paint.wrap("2", &printable(text));
        self.line(Verbosity::Verbose, &format!("    {text}"));
    }

    /// Something that a person should know even when they asked for quiet.
    pub(crate) fn warn(&self, text: &str) {
        let word = self.paint.wrap("33", "warning:");
        self.line(Verbosity::Quiet, &format!("{word} {}", printable(text)));
    }

    /// What the program stopped at, and what to do.
    pub(crate) fn error(&self, text: &str, hint: Option<&str>) {
        let word = self.paint.wrap("1;31", "error:");
        self.line(Verbosity::Quiet, &format!("\n{word} {}", printable(text)));
        if let Some(hint) = hint {
            self.line(Verbosity::Quiet, &format!("  {}", printable(hint)));
        }
    }

    /// A request, before it is sent.
    pub(crate) fn request(&self, method: &str, url: &str, headers: &HeaderMap, body: Option<&str>) {
        let arrow = self.paint.wrap("32", "->");
        self.line(
            Verbosity::Normal,
            &format!("    {arrow} {method} {}", printable(&redact_url(url))),
        );
        self.headers(headers);
        if let Some(body) = body {
            self.body(body);
        }
    }

    /// An answer's status and headers.
    pub(crate) fn answer(&self, status: reqwest::StatusCode, headers: &HeaderMap) {
        let code = if status.is_client_error() || status.is_server_error() { "31" } else { "32" };
        let arrow = self.paint.wrap(code, "<-");
        self.line(Verbosity::Normal, &format!("    {arrow} {status}"));
        self.headers(headers);
    }

    fn headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let known = HEADERS.iter().any(|h| name.as_str().starts_with(h));
            let level = if known { Verbosity::Normal } else { Verbosity::Verbose };
            let value = match name.as_str() {
                "authorization" => redact_credentials(value.to_str().unwrap_or_default()),
                "dpop" => shorten(value.to_str().unwrap_or_default()),
                "location" => redact_url(&String::from_utf8_lossy(value.as_bytes())),
                "set-cookie" | "cookie" => "…".to_owned(),
                _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            let name = self.paint.wrap("2", &format!("{name}:"));
            self.line(level, &format!("       {name} {}", printable(&value)));
        }
    }

    /// A body: JSON is laid out, a form is taken apart, secrets are shortened, long ones are cut unless all is wanted.
    pub(crate) fn body(&self, body: &str) {
        if self.level < Verbosity::Normal || body.is_empty() {
            return;
        }
        let text = match serde_json::from_str::<Value>(body) {
            Ok(mut value) => {
                redact(&mut value);
                layout(&value)
            }
            // A page is for a browser; how it begins is of no use here.
            Err(_) if body.trim_start().starts_with('<') && self.level == Verbosity::Normal => {
                format!("(a page, {} bytes; -v shows it)", body.len())
            }
            Err(_) => body.to_owned(),
        };
        let lines: Vec<_> = text.lines().collect();
        let shown = if self.level == Verbosity::Verbose { lines.len() } else { LINES_OF_BODY };
        for line in lines.iter().take(shown) {
            let line: String = line.chars().take(2000).collect();
            self.line(Verbosity::Normal, &format!("       {}", printable(&line)));
        }
        if lines.len() > shown {
            let rest = format!("… {} more lines, -v shows them", lines.len() - shown);
            self.line(Verbosity::Normal, &format!("       {}", self.paint.wrap("2", &rest)));
        }
    }

    /// The body of an endpoint that gives out secrets. They can be found in a JSON object (RFC 6749, 5.1; RFC 7591, 3.2);
    /// anything else is not shown.
    pub(crate) fn confidential_body(&self, body: &str) {
        match serde_json::from_str::<Map<String, Value>>(body) {
            Err(_) if !body.is_empty() => {
                self.line(Verbosity::Normal, &format!("       ({} bytes, not JSON)", body.len()));
            }
            _ => self.body(body),
        }
    }

    fn line(&self, level: Verbosity, text: &str) {
        if level <= self.level {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }
}
