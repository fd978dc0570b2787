//! Requests to try: each one is a curl command for the terminal and a button on the page.

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
    when: fn(&Facts) -> bool,
}

const fn get(
    title: &'static str,
    path: &'static str,
    when: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    Sample { title, text, path, call: "", params: "", credentials: Nothing, when }
}

const fn rpc(
    title: &'static str,
    (call, params): (&'static str, &'static str),
    credentials: Credentials,
    when: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    Sample { title, text, path: "/mcp", call, params, credentials, when }
}

const STRANGE: &str = "A strange page";
const HELLO: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"docs","version":"1"}}"#;
const ECHO: &str = r#"{"name":"echo","arguments":{"message":"hello","repeat_count":2}}"#;
const WHOAMI: &str = r#"{"name":"whoami","arguments":{}}"#;
const GREETING: &str = r#"{"name":"greeting","arguments":{"name":"Ada"}}"#;

#[rustfmt::skip] // one row, one request
const SAMPLES: [Sample; 18] = [
    get("Is it up?", "/health", |_| true,
        "Open to everyone. It also says what the server can do."),
    get(STRANGE, "/", |_| true,
        "403: the page is not on the list. A browser lets no page lie about its origin, so this one is for the terminal."),
    rpc("Ping", ("ping", ""), Token, |facts| facts.mcp && !facts.wall,
        "An empty result: somebody is there."),
    rpc("Knock without a token", ("ping", ""), Nothing, |facts| facts.wall,
        "401: WWW-Authenticate says what is wanted."),
    rpc("Knock with nonsense", ("ping", ""), Nonsense, |facts| facts.wall,
        "401 again, and now error=\"invalid_token\": something was sent, and it is no token."),
    rpc("Knock with your token", ("ping", ""), Token, |facts| facts.wall,
        "An empty result: somebody is there. Its _meta says who you are."),
    rpc("Shake hands", ("initialize", HELLO), Token, |facts| facts.handshake,
        "Versions and capabilities: how every MCP client begins."),
    rpc("List the tools", ("tools/list", ""), Token, |facts| facts.handshake && facts.offers("echo"),
        "Names, descriptions, and schemas of what goes in and comes out."),
    rpc("List the tools", ("tools/list", ""), Token, |facts| !facts.handshake && facts.offers("echo"),
        "-32601: declared, but not yet to be had."),
    rpc("Call a tool", ("tools/call", ECHO), Token, |facts| facts.handshake && facts.offers("echo") && !facts.policy,
        "The text twice. With a repeat_count of 11, an error that a language model can act on."),
    rpc("Call a tool", ("tools/call", ECHO), Token, |facts| facts.policy && facts.offers("echo"),
        "The text twice; or 403, when the token lacks the scope for it."),
    rpc("Who am I?", ("tools/call", WHOAMI), Token, |facts| facts.offers("whoami"),
        "The same request, another answer for each person."),
    rpc("List the prompts", ("prompts/list", ""), Token, |facts| facts.handshake && !facts.prompts.is_empty(),
        "What a person could pick from a menu."),
    rpc("Get a prompt", ("prompts/get", GREETING), Token, |facts| facts.handshake && !facts.prompts.is_empty(),
        "A message, ready for a language model."),
    rpc("A method that nobody knows", ("dance", ""), Token, |facts| facts.mcp,
        "A JSON-RPC error instead of a result."),
    get("The public keys", "/.well-known/jwks.json", |facts| facts.keys,
        "With these, anybody can check a token, and nobody can make one."),
    get("The protected resource’s metadata", "", |facts| facts.resource.is_some(),
        "Who this server is, and who issues its tokens."),
    get("The authorization server’s metadata", "/.well-known/oauth-authorization-server", |facts| facts.own_authorization_server,
        "Where to register, to log in, to get a token."),
];

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
        if !self.call.is_empty() {
            words.push("-H 'Content-Type: application/json'".to_owned());
            words.push(format!("-d '{}'", self.message("")));
        }
        words.join(" \\\n  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
        let samples = samples(&Facts::default());
        let buttons: Vec<_> = samples.iter().map(|s| (s.title, s.has_button())).collect();
        assert_eq!(buttons, [("Is it up?", true), (STRANGE, false)]);
    }
}
