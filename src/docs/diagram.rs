//! The sequence diagram: the messages that this server takes part in, with the new ones marked.
//!
//! A message is drawn when the server supports it, and marked when the paragraph `Adds` of the program's header names it.

use super::facts::Facts;
use Participant::{Api, AuthorizationServer, Client, Server};

/// The columns of the diagram, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Participant {
    Client,
    Server,
    AuthorizationServer,
    /// Another API, which a tool calls as the user.
    Api,
}

/// A message; one from a participant to itself is a processing step, drawn as a box.
struct Message {
    /// The stage of the authorization flow that it belongs to; the page highlights it while that stage runs.
    part: &'static str,
    from: Participant,
    to: Participant,
    text: &'static str,
    /// The message is new when `Adds` contains this text. Empty: never.
    keyword: &'static str,
    applies: fn(&Facts) -> bool,
}

const fn message(
    part: &'static str,
    (from, to): (Participant, Participant),
    text: &'static str,
    keyword: &'static str,
    applies: fn(&Facts) -> bool,
) -> Message {
    Message { part, from, to, text, keyword, applies }
}

const REQUEST: (Participant, Participant) = (Client, Server);
const RESPONSE: (Participant, Participant) = (Server, Client);
const PROCESS: (Participant, Participant) = (Server, Server);
const TO_AS: (Participant, Participant) = (Client, AuthorizationServer);
const FROM_AS: (Participant, Participant) = (AuthorizationServer, Client);

const NO_MCP: fn(&Facts) -> bool = |facts| !facts.mcp;
const PING_ONLY: fn(&Facts) -> bool = |facts| facts.mcp && !facts.initialize;
const NO_AUTH: fn(&Facts) -> bool = |facts| facts.initialize && !facts.auth_required;
const JWKS: fn(&Facts) -> bool = |facts| NO_AUTH(facts) && facts.jwks;
const AUTH: fn(&Facts) -> bool = |facts| facts.auth_required;
const NO_DISCOVERY: fn(&Facts) -> bool = |facts| facts.auth_required && !DISCOVERY(facts);
const DISCOVERY: fn(&Facts) -> bool = |facts| facts.resource.is_some();
const PROVIDER: fn(&Facts) -> bool = |facts| DISCOVERY(facts) && !facts.own_authorization_server;
const SCOPES: fn(&Facts) -> bool = |facts| DISCOVERY(facts) && facts.scopes_enforced;
const WHOAMI: fn(&Facts) -> bool = |facts| facts.has_tool("whoami");
const DELEGATION: fn(&Facts) -> bool = |facts| facts.has_tool("list_orders");

const LOGIN: &str = "authorization server";
const FETCHED: &str = "from the provider";
const EXCHANGE: &str = "token exchange";

#[rustfmt::skip] // one row, one message
const MESSAGES: [Message; 54] = [
    message("foreign", REQUEST, "GET /mcp, Origin: http://evil.example.com", "Origin", NO_MCP),
    message("foreign", PROCESS, "Origin is not allowed", "Origin", NO_MCP),
    message("foreign", RESPONSE, "403 Forbidden", "Origin", NO_MCP),
    message("allowed", REQUEST, "GET /mcp, Origin: http://localhost:3000", "Origin", NO_MCP),
    message("allowed", PROCESS, "Origin and Host are allowed", "Origin", NO_MCP),
    message("allowed", RESPONSE, "404 Not Found: no such endpoint yet", "Origin", NO_MCP),
    message("health", REQUEST, "GET /health, with any Origin", "/health", NO_MCP),
    message("health", RESPONSE, "200 healthy", "/health", NO_MCP),
    message("ping", REQUEST, "POST /mcp: ping", "ping", PING_ONLY),
    message("initialize", REQUEST, "POST /mcp: initialize", "initialize", NO_AUTH),
    message("challenge", REQUEST, "POST /mcp, without a token", "bearer", AUTH),
    message("origin", PROCESS, "validate Origin and Host", "Origin", |facts| facts.mcp),
    message("ping", RESPONSE, "200, an empty result", "ping", PING_ONLY),
    message("health", REQUEST, "GET /health", "tools", |facts| PING_ONLY(facts) && !facts.tools.is_empty()),
    message("health", RESPONSE, "200, with the names of tools and prompts", "tools", |facts| PING_ONLY(facts) && !facts.tools.is_empty()),
    message("initialize", RESPONSE, "200, revision and capabilities", "initialize", NO_AUTH),
    message("call", REQUEST, "POST /mcp: tools/call", "tools/call", NO_AUTH),
    message("call", RESPONSE, "200, the tool’s result", "tools/call", NO_AUTH),
    message("jwks", REQUEST, "GET /.well-known/jwks.json", "jwks.json", JWKS),
    message("jwks", RESPONSE, "200, the public key", "jwks.json", JWKS),
    message("challenge", RESPONSE, "401, a Bearer challenge", "bearer", NO_DISCOVERY),
    message("challenge", RESPONSE, "401 Bearer challenge: resource_metadata", "protected resource", DISCOVERY),
    message("gen-token", (Client, Client), "gen-token signs a token", "bearer", NO_DISCOVERY),
    message("resource", REQUEST, "GET the protected resource metadata", "protected resource", DISCOVERY),
    message("resource", RESPONSE, "200: resource, authorization_servers", "protected resource", DISCOVERY),
    message("server", TO_AS, "GET the authorization server metadata", LOGIN, DISCOVERY),
    message("server", FROM_AS, "200: endpoints, PKCE methods", LOGIN, DISCOVERY),
    message("registration", TO_AS, "POST to the registration endpoint: name, redirect_uris", LOGIN, DISCOVERY),
    message("registration", FROM_AS, "201: client_id", LOGIN, DISCOVERY),
    message("pkce", (Client, Client), "create PKCE verifier and state", LOGIN, DISCOVERY),
    message("login", TO_AS, "authorization request: scope, resource, state, code_challenge", LOGIN, DISCOVERY),
    message("login", (AuthorizationServer, AuthorizationServer), "the user logs in and consents", LOGIN, DISCOVERY),
    message("callback", FROM_AS, "redirect to the client: code, state, iss", LOGIN, DISCOVERY),
    message("token", TO_AS, "token request: code, code_verifier, resource", LOGIN, DISCOVERY),
    message("token", FROM_AS, "200: an access token for this resource", LOGIN, DISCOVERY),
    message("tools", REQUEST, "POST /mcp: tools/list, with the token", "bearer", AUTH),
    message("tools", (Server, AuthorizationServer), "GET the JWKS", FETCHED, PROVIDER),
    message("tools", (AuthorizationServer, Server), "200: the public keys", FETCHED, PROVIDER),
    message("tools", PROCESS, "verify signature, iss, aud, exp", "bearer", AUTH),
    message("tools", RESPONSE, "200, the tools", "bearer", AUTH),
    message("whoami", REQUEST, "POST /mcp: tools/call whoami", "whoami", WHOAMI),
    message("whoami", RESPONSE, "200, the caller’s identity", "whoami", WHOAMI),
    message("forbidden", REQUEST, "POST /mcp: tools/call, with the token", "scope", SCOPES),
    message("forbidden", PROCESS, "check scopes: one is missing", "scope", SCOPES),
    message("forbidden", RESPONSE, "403 insufficient_scope, with the missing scope", "scope", SCOPES),
    message("step-up", TO_AS, "authorize again, for the missing scope too", "", SCOPES),
    message("step-up", FROM_AS, "code, exchanged for a new token", "", SCOPES),
    message("step-up", REQUEST, "POST /mcp: tools/call, with the new token: 200", "", SCOPES),
    message("delegation", REQUEST, "POST /mcp: tools/call list_orders", EXCHANGE, DELEGATION),
    message("delegation", (Server, AuthorizationServer), "token exchange: this token, audience, scope", EXCHANGE, DELEGATION),
    message("delegation", (AuthorizationServer, Server), "200: a token for the other API", EXCHANGE, DELEGATION),
    message("delegation", (Server, Api), "GET, with the exchanged token only", EXCHANGE, DELEGATION),
    message("delegation", (Api, Server), "200, what belongs to the user", EXCHANGE, DELEGATION),
    message("delegation", RESPONSE, "200, the tool’s result", EXCHANGE, DELEGATION),
];

const MARGIN: u32 = 120;
const COLUMN_WIDTH: u32 = 320;
const HEADER_HEIGHT: u32 = 56;
const ROW_HEIGHT: u32 = 32;

/// The diagram with its coordinates.
#[derive(Debug)]
pub(super) struct Diagram {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A participant at the top of its lifeline.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) x: u32,
    pub(super) name: &'static str,
    pub(super) description: String,
}

/// A message with its coordinates.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) part: &'static str,
    pub(super) text: &'static str,
    pub(super) is_new: bool,
    /// Whether this row carries the label: no new row is shortly above it.
    pub(super) is_labelled: bool,
    pub(super) x1: u32,
    pub(super) x2: u32,
    pub(super) y: u32,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

impl Row {
    pub(super) fn is_internal(&self) -> bool {
        self.x1 == self.x2
    }

    pub(super) fn middle(&self) -> u32 {
        u32::midpoint(self.x1, self.x2)
    }

    /// The corners of the arrowhead.
    pub(super) fn arrowhead(&self) -> String {
        let (x, y) = (self.x2, self.y);
        let back = if self.x2 > self.x1 { x - 9 } else { x + 9 };
        format!("{x},{y} {back},{} {back},{}", y - 4, y + 4)
    }
}

impl Diagram {
    /// The messages of a server with these facts; those that `adds` names are new.
    pub(super) fn new(facts: &Facts, adds: &str) -> Self {
        let adds = adds.to_lowercase();
        let mut rows: Vec<Row> = Vec::new();
        for message in MESSAGES.iter().filter(|message| (message.applies)(facts)) {
            let is_new =
                !message.keyword.is_empty() && adds.contains(&message.keyword.to_lowercase());
            rows.push(Row {
                part: message.part,
                text: message.text,
                is_new,
                is_labelled: is_new && !rows.iter().rev().take(2).any(|row| row.is_new),
                x1: x(message.from),
                x2: x(message.to),
                y: HEADER_HEIGHT
                    + ROW_HEIGHT * (u32::try_from(rows.len()).expect("a short table") + 1),
                from: name(message.from),
                to: name(message.to),
            });
        }
        let participants: &[Participant] = if DELEGATION(facts) {
            &[Client, Server, AuthorizationServer, Api]
        } else if facts.resource.is_some() {
            &[Client, Server, AuthorizationServer]
        } else {
            &[Client, Server]
        };
        let last = participants.last().map_or(0, |&participant| x(participant));
        Self {
            width: last + MARGIN,
            height: rows.last().map_or(HEADER_HEIGHT, |row| row.y) + ROW_HEIGHT,
            columns: participants.iter().map(|&participant| column(participant, facts)).collect(),
            rows,
        }
    }
}

fn x(participant: Participant) -> u32 {
    MARGIN + COLUMN_WIDTH * participant as u32
}

fn name(participant: Participant) -> &'static str {
    match participant {
        Client => "Client",
        Server => "MCP server",
        AuthorizationServer => "Authorization server",
        Api => "Other API",
    }
}

fn column(participant: Participant, facts: &Facts) -> Column {
    let description = match participant {
        Client => "this page, curl, an agent".to_owned(),
        Server => "this program".to_owned(),
        Api => "another audience".to_owned(),
        AuthorizationServer if facts.own_authorization_server => {
            "this program, for development".to_owned()
        }
        AuthorizationServer => {
            let issuer = facts.issuer().unwrap_or_default();
            issuer.split("://").last().unwrap_or_default().to_owned()
        }
    };
    Column { x: x(participant), name: name(participant), description }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_named_in_the_header_are_new_and_no_others() {
        let facts = Facts { mcp: true, initialize: true, auth_required: true, ..Facts::default() };
        let diagram = Diagram::new(&facts, "Bearer authentication, 401 with a challenge");
        let new: Vec<_> =
            diagram.rows.iter().filter(|row| row.is_new).map(|row| row.part).collect();
        assert_eq!(new, ["challenge", "challenge", "gen-token", "tools", "tools", "tools"]);
        let origin = diagram.rows.iter().find(|row| row.part == "origin").unwrap();
        assert!(!origin.is_new && origin.is_internal());
        assert_eq!(diagram.columns.len(), 2);
    }

    #[test]
    fn rows_follow_each_other_and_arrows_point_to_the_receiver() {
        let diagram = Diagram::new(&Facts::default(), "");
        let [request, _, response, ..] = &diagram.rows[..] else { panic!("{diagram:?}") };
        assert_eq!(
            (request.y + 2 * ROW_HEIGHT, request.x1, request.x2),
            (response.y, response.x2, response.x1)
        );
        let tip = format!("{},{} {}", request.x2, request.y, request.x2 - 9);
        assert!(request.arrowhead().starts_with(&tip));
        assert!(diagram.height > response.y);
    }

    #[test]
    fn an_api_that_a_tool_calls_is_the_fourth_participant_and_the_client_never_talks_to_it() {
        let tools = vec!["list_orders".to_owned()];
        let facts = Facts { mcp: true, auth_required: true, tools, ..Facts::default() };
        let diagram = Diagram::new(&facts, "another API, called as the user by token exchange");
        assert_eq!(diagram.columns.last().map(|column| column.name), Some("Other API"));
        let with_api = |row: &&Row| [row.from, row.to].contains(&"Other API");
        let rows: Vec<_> = diagram.rows.iter().filter(with_api).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.is_new && [row.from, row.to].contains(&"MCP server")));
        assert!(diagram.width > rows[0].x2, "it is within the picture");
    }

    #[test]
    fn a_bare_server_shows_requests_that_are_validated_and_one_that_is_not() {
        let diagram = Diagram::new(&Facts::default(), "");
        let boxes: Vec<_> =
            diagram.rows.iter().filter(|row| row.is_internal()).map(|row| row.part).collect();
        assert_eq!(boxes, ["foreign", "allowed"], "any Origin may read /health");
    }
}
