//! The table of requests: when each is offered, and what to look for in its answer.

use super::{
    Credentials::{self, Nonsense, Nothing, Token},
    Sample,
};
use crate::docs::facts::Facts;

const fn get(
    title: &'static str,
    path: &'static str,
    when: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    Sample { title, text, path, call: "", params: "", credentials: Nothing, headers: &[], when }
}

const fn rpc(
    title: &'static str,
    (call, params): (&'static str, &'static str),
    credentials: Credentials,
    when: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    Sample { title, text, path: "/mcp", call, params, credentials, headers: &[], when }
}

/// A request of 2026-07-28, which stands alone: the headers repeat what its body says.
const fn alone(
    title: &'static str,
    (call, params): (&'static str, &'static str),
    headers: &'static [(&'static str, &'static str)],
    when: fn(&Facts) -> bool,
    text: &'static str,
) -> Sample {
    Sample { title, text, path: "/mcp", call, params, credentials: Token, headers, when }
}

/// Parameters with what a request of 2026-07-28 says of itself.
macro_rules! alone {
    ($params:literal) => {
        alone!($params, "{}")
    };
    ($params:literal, $capabilities:literal) => {
        concat!(
            "{",
            $params,
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientInfo":{"name":"docs","version":"1"},"#,
            r#""io.modelcontextprotocol/clientCapabilities":"#,
            $capabilities,
            "}}"
        )
    };
}

pub(super) const STRANGE: &str = "A strange page";
const HELLO: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"docs","version":"1"}}"#;
const ECHO: &str = r#"{"name":"echo","arguments":{"message":"hello","repeat_count":2}}"#;
const WHOAMI: &str = r#"{"name":"whoami","arguments":{}}"#;
const RECENT: &str = r#"{"name":"recent_calls","arguments":{"limit":5}}"#;
const ME: &str = r#"{"uri":"tutorial://me"}"#;
const CHAPTER: &str = r#"{"uri":"tutorial://guide/9"}"#;
const STYLE: &str =
    r#"{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"style","value":"f"}}"#;
const GREETING: &str = r#"{"name":"greeting","arguments":{"name":"Ada"}}"#;

pub(super) const CONTRADICTS: &str = "A request that contradicts itself";
const ALONE: &str = alone!("");
const ECHO_ALONE: &str = alone!(r#""name":"echo","arguments":{"message":"hello"},"#);
const ME_ALONE: &str = alone!(r#""uri":"tutorial://me","#);
const FORGET: &str = alone!(r#""name":"forget_calls","arguments":{},"#, r#"{"elicitation":{}}"#);
const REVISION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");

#[rustfmt::skip] // one row, one request
pub(super) const SAMPLES: [Sample; 29] = [
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
    rpc("Who called what?", ("tools/call", RECENT), Token, |facts| facts.offers("recent_calls"),
        "The last calls of everybody, for the role admin; 403 for all others, and no scope would help."),
    rpc("List the resources", ("resources/list", ""), Token, |facts| !facts.resources.is_empty(),
        "What can be read here, each with its URI."),
    rpc("Read a resource", ("resources/read", ME), Token, |facts| facts.resources.iter().any(|uri| uri == "tutorial://me"),
        "Your own profile: one URI, another text for each person."),
    rpc("List the templates", ("resources/templates/list", ""), Token, |facts| !facts.resources.is_empty(),
        "URIs with a gap in them, to be filled in."),
    rpc("Read by a template", ("resources/read", CHAPTER), Token, |facts| facts.resources.iter().any(|uri| uri == "tutorial://guide"),
        "The template tutorial://guide/{chapter} with its gap filled. With 99, an error: there is no such chapter."),
    rpc("Complete a word", ("completion/complete", STYLE), Token, |facts| !facts.resources.is_empty() && !facts.prompts.is_empty(),
        "What the greeting’s style could be, beginning with f."),
    alone("Ask what the server can do", ("server/discover", ALONE), &[REVISION, ("Mcp-Method", "server/discover")], Facts::stateless,
        "MCP 2026-07-28 has no handshake: versions and capabilities are asked for, whenever one likes."),
    alone("Call a tool, without a handshake", ("tools/call", ECHO_ALONE), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")], |facts| facts.stateless() && facts.offers("echo"),
        "The request says all about itself in _meta, and so any replica can answer it."),
    alone("Read a resource, without a handshake", ("resources/read", ME_ALONE), &[REVISION, ("Mcp-Method", "resources/read"), ("Mcp-Name", "tutorial://me")], |facts| facts.stateless() && facts.resources.iter().any(|uri| uri == "tutorial://me"),
        "The same profile. The answer says for how long it may be kept, and by whom."),
    alone(CONTRADICTS, ("tools/call", ECHO_ALONE), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "whoami")], |facts| facts.stateless() && facts.offers("echo"),
        "400 with -32020: a proxy that reads headers only would have let another tool through."),
    alone("Something that a person must agree to", ("tools/call", FORGET), &[REVISION, ("Mcp-Method", "tools/call"), ("Mcp-Name", "forget_calls")], |facts| facts.stateless() && facts.offers("forget_calls"),
        "For the role admin a question comes back instead of a result; a client would ask you, and send the call again with requestState and your answer in inputResponses."),
    get("The public keys", "/.well-known/jwks.json", |facts| facts.keys,
        "With these, anybody can check a token, and nobody can make one."),
    get("The protected resource’s metadata", "", |facts| facts.resource.is_some(),
        "Who this server is, and who issues its tokens."),
    get("The authorization server’s metadata", "/.well-known/oauth-authorization-server", |facts| facts.own_authorization_server,
        "Where to register, to log in, to get a token."),
];
