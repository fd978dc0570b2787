//! Sample requests: each one is a curl command for the terminal and a button on the page.

mod table;

use self::table::{FOREIGN_HOST, FOREIGN_ORIGIN, SAMPLES};
use super::facts::Facts;
use Credentials::{Invalid, Omitted, Token};

/// What a sample sends as `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Never a token.
    Omitted,
    /// The token, when there is one.
    Token,
    /// A token that is not valid.
    Invalid,
}

impl Credentials {
    /// The name that the page's script uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Omitted => "none",
            Token => "token",
            Invalid => "invalid",
        }
    }
}

/// A sample request.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) title: &'static str,
    /// What to look for in the response.
    pub(super) text: &'static str,
    /// Empty: the path of the protected resource metadata.
    path: &'static str,
    /// The JSON-RPC method; empty for a plain `GET`.
    rpc_method: &'static str,
    /// Its parameters as JSON; empty for none.
    params: &'static str,
    pub(super) credentials: Credentials,
    /// Further headers.
    pub(super) headers: &'static [(&'static str, &'static str)],
    applies: fn(&Facts) -> bool,
}

/// The samples for a server with these facts.
pub(super) fn samples(facts: &Facts) -> Vec<Sample> {
    SAMPLES.iter().filter(|sample| (sample.applies)(facts)).cloned().collect()
}

impl Sample {
    pub(super) fn method(&self) -> &'static str {
        if self.rpc_method.is_empty() { "GET" } else { "POST" }
    }

    pub(super) fn path<'a>(&'a self, facts: &'a Facts) -> &'a str {
        match &facts.resource {
            Some((path, _)) if self.path.is_empty() => path,
            _ => self.path,
        }
    }

    /// Whether a page can send it: the browser sets `Origin` and `Host`, and a script cannot change them.
    pub(super) fn has_button(&self) -> bool {
        ![FOREIGN_ORIGIN, FOREIGN_HOST].contains(&self.title)
    }

    /// The JSON-RPC request; empty for a `GET`.
    pub(super) fn body(&self) -> String {
        let params = match self.params {
            "" => String::new(),
            params => format!(r#","params":{params}"#),
        };
        match self.rpc_method {
            "" => String::new(),
            method => format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"{params}}}"#),
        }
    }

    /// The further headers as `Name: value` lines.
    pub(super) fn header_lines(&self) -> String {
        let lines: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.join("\n")
    }

    /// The command for the terminal, one option on each line.
    pub(super) fn curl(&self, base: &str, facts: &Facts) -> String {
        let mut words = vec![format!("curl -i {base}{}", self.path(facts))];
        let names_origin = self.headers.iter().any(|(name, _)| *name == "Origin");
        if facts.origin_required && !names_origin && self.method() == "POST" {
            words.push(format!("-H 'Origin: {base}'"));
        }
        match self.credentials {
            Token if facts.auth_required => {
                words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
            }
            Invalid => words.push("-H 'Authorization: Bearer invalid'".to_owned()),
            _ => {}
        }
        words.extend(self.headers.iter().map(|(name, value)| format!("-H '{name}: {value}'")));
        if !self.rpc_method.is_empty() {
            words.push("-H 'Content-Type: application/json'".to_owned());
            words.push(format!("-d '{}'", self.body()));
        }
        words.join(" \\\n  ")
    }
}

#[cfg(test)]
mod tests {
    use super::{table::HEADER_MISMATCH, *};

    #[test]
    fn a_command_has_the_headers_that_the_server_requires() {
        let open = Facts { mcp: true, origin_required: true, ..Facts::default() };
        let protected = Facts { mcp: true, auth_required: true, ..Facts::default() };
        for (title, facts, header) in [
            ("Ping", open, "-H 'Origin: http://h'"),
            ("Call with your token", protected, "-H \"Authorization: Bearer $TOKEN\""),
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
    fn every_message_is_json_and_2026_07_28_headers_match_the_body() {
        for sample in SAMPLES.iter().filter(|sample| !sample.rpc_method.is_empty()) {
            let message: serde_json::Value = serde_json::from_str(&sample.body()).unwrap();
            assert_eq!(message["method"], sample.rpc_method);
            let mcp_headers = sample.headers.iter().filter(|(name, _)| *name != "Origin");
            let in_headers: Vec<_> = mcp_headers.map(|(_, value)| *value).collect();
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
            assert_eq!(in_headers == in_body, sample.title != HEADER_MISMATCH, "{}", sample.title);
        }
    }

    #[test]
    fn what_a_browser_sets_itself_is_for_the_terminal_only() {
        let bare = Facts { origin_required: true, ..Facts::default() };
        let buttons: Vec<_> = samples(&bare).iter().map(|s| (s.title, s.has_button())).collect();
        assert_eq!(
            buttons,
            [
                (FOREIGN_ORIGIN, false),
                ("Allowed Origin", true),
                ("No Origin", true),
                (FOREIGN_HOST, false),
                ("Health check", true)
            ]
        );
    }
}
