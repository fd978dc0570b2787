//! Requests to try: each one is a curl command for the terminal and a button on the page.

mod table;

use self::table::{SAMPLES, STRANGE};
use super::facts::Facts;
use Credentials::{Nonsense, Nothing, Token};

/// What is sent as `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nothing, token or no token.
    Nothing,
    /// The token, when there is one.
    Token,
    /// Something that is no token.
    Nonsense,
}

impl Credentials {
    /// The word by which the page's script knows it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Nothing => "none",
            Token => "token",
            Nonsense => "nonsense",
        }
    }
}

/// One request, as a person would send it.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) title: &'static str,
    /// What to look for in the answer.
    pub(super) text: &'static str,
    /// Empty: wherever the protected resource's metadata is.
    path: &'static str,
    /// The JSON-RPC method; empty for a plain `GET`.
    call: &'static str,
    /// Its parameters as JSON, or nothing.
    params: &'static str,
    pub(super) credentials: Credentials,
    /// What the headers repeat of the message, where a revision wants that.
    pub(super) headers: &'static [(&'static str, &'static str)],
    when: fn(&Facts) -> bool,
}

/// What can be tried on a server of these facts.
pub(super) fn samples(facts: &Facts) -> Vec<Sample> {
    SAMPLES.iter().filter(|sample| (sample.when)(facts)).cloned().collect()
}

impl Sample {
    pub(super) fn method(&self) -> &'static str {
        if self.call.is_empty() { "GET" } else { "POST" }
    }

    pub(super) fn path<'a>(&'a self, facts: &'a Facts) -> &'a str {
        match &facts.resource {
            Some((path, _)) if self.path.is_empty() => path,
            _ => self.path,
        }
    }

    /// Whether a page can send it: none can claim another origin than its own.
    pub(super) fn has_button(&self) -> bool {
        self.title != STRANGE
    }

    /// The message, for people who want to change it; empty when there is none.
    pub(super) fn body(&self) -> String {
        if self.call.is_empty() { String::new() } else { self.message("\n ") }
    }

    /// The headers of its own, as people write them.
    pub(super) fn header_lines(&self) -> String {
        let lines: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.join("\n")
    }

    /// Lines of the field for it, in which long lines wrap.
    pub(super) fn rows(&self) -> usize {
        self.body().lines().map(|line| 1 + line.chars().count() / 44).sum()
    }

    /// The JSON-RPC request, with `between` before its parameters.
    fn message(&self, between: &str) -> String {
        let params = match self.params {
            "" => String::new(),
            params => format!(r#",{between}"params":{params}"#),
        };
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"{params}}}"#, self.call)
    }

    /// The command for the terminal, one option a line.
    pub(super) fn curl(&self, base: &str, facts: &Facts) -> String {
        let mut words = vec![format!("curl -i {base}{}", self.path(facts))];
        if !self.has_button() {
            words.push("-H 'Origin: http://evil.example.com'".to_owned());
        } else if facts.origin_required {
            words.push(format!("-H 'Origin: {base}'"));
        }
        match self.credentials {
            Token if facts.wall => words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned()),
            Nonsense => words.push("-H 'Authorization: Bearer nonsense'".to_owned()),
            _ => {}
        }
        words.extend(self.headers.iter().map(|(name, value)| format!("-H '{name}: {value}'")));
        if !self.call.is_empty() {
            words.push("-H 'Content-Type: application/json'".to_owned());
            words.push(format!("-d '{}'", self.message("")));
        }
        words.join(" \\\n  ")
    }
}

#[cfg(test)]
mod tests {
    use super::{table::CONTRADICTS, *};

    #[test]
    fn a_command_says_what_the_server_needs() {
        let open = Facts { mcp: true, origin_required: true, ..Facts::default() };
        let wall = Facts { mcp: true, wall: true, ..Facts::default() };
        for (title, facts, header) in [
            ("Ping", open, "-H 'Origin: http://h'"),
            ("Knock with your token", wall, "-H \"Authorization: Bearer $TOKEN\""),
        ] {
            let sample = samples(&facts).into_iter().find(|sample| sample.title == title).unwrap();
            let expected = [
                "curl -i http://h/mcp",
                header,
                "-H 'Content-Type: application/json'",
                r#"-d '{"jsonrpc":"2.0","id":1,"method":"ping"}'"#,
            ];
            assert_eq!(sample.curl("http://h", &facts), expected.join(" \\\n  "), "{title}");
        }
    }

    #[test]
    fn every_message_is_json_and_only_what_a_page_may_send_has_a_button() {
        for sample in SAMPLES.iter().filter(|sample| !sample.call.is_empty()) {
            let message: serde_json::Value = serde_json::from_str(&sample.body()).unwrap();
            assert_eq!(message["method"], sample.call);
            // What a request of 2026-07-28 says of itself in its headers, it says in its body.
            let in_headers: Vec<_> = sample.headers.iter().map(|(_, value)| *value).collect();
            let params = &message["params"];
            let in_body = [
                params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str(),
                message["method"].as_str().filter(|_| !in_headers.is_empty()),
                params["name"]
                    .as_str()
                    .or(params["uri"].as_str())
                    .filter(|_| !in_headers.is_empty()),
            ];
            let in_body: Vec<_> = in_body.into_iter().flatten().collect();
            assert_eq!(in_headers == in_body, sample.title != CONTRADICTS, "{}", sample.title);
        }
        let samples = samples(&Facts::default());
        let buttons: Vec<_> = samples.iter().map(|s| (s.title, s.has_button())).collect();
        assert_eq!(buttons, [("Is it up?", true), (STRANGE, false)]);
    }
}
