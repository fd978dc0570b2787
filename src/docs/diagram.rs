//! Who says what to whom: the sequence of messages that this server takes part in, with what is new marked.
//!
//! A line is drawn when the server can do it, and marked when the paragraph `Adds` of the header speaks of it.

use super::facts::Facts;
use Lane::{Authorization, Client, Server};

/// Who takes part, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Lane {
    Client,
    Server,
    Authorization,
}

/// A line from a lane to itself is a thought: what happens inside.
struct Line {
    /// The part of the conversation that it belongs to; the walk lights it up.
    part: &'static str,
    from: Lane,
    to: Lane,
    text: &'static str,
    /// A word of `Adds`. Empty: never new.
    word: &'static str,
    when: fn(&Facts) -> bool,
}

const fn line(
    part: &'static str,
    (from, to): (Lane, Lane),
    text: &'static str,
    word: &'static str,
    when: fn(&Facts) -> bool,
) -> Line {
    Line { part, from, to, text, word, when }
}

const ASK: (Lane, Lane) = (Client, Server);
const ANSWER: (Lane, Lane) = (Server, Client);
const THINK: (Lane, Lane) = (Server, Server);
const TO_LOGIN: (Lane, Lane) = (Client, Authorization);
const FROM_LOGIN: (Lane, Lane) = (Authorization, Client);

const BARE: fn(&Facts) -> bool = |facts| !facts.mcp;
const PING: fn(&Facts) -> bool = |facts| facts.mcp && !facts.handshake;
const OPEN: fn(&Facts) -> bool = |facts| facts.handshake && !facts.wall;
const WALL: fn(&Facts) -> bool = |facts| facts.wall;
const TRAIL: fn(&Facts) -> bool = |facts| facts.resource.is_some();
const FOREIGN: fn(&Facts) -> bool =
    |facts| facts.resource.is_some() && !facts.own_authorization_server;
const POLICY: fn(&Facts) -> bool = |facts| facts.policy && facts.resource.is_some();

const LOGIN: &str = "authorization server";
const PROVIDER: &str = "from the provider";

#[rustfmt::skip] // one row, one line
const LINES: [Line; 43] = [
    line("health", ASK, "GET /health", "/health", BARE),
    line("ping", ASK, "POST /mcp: ping", "ping", PING),
    line("handshake", ASK, "POST /mcp: initialize", "initialize", OPEN),
    line("challenge", ASK, "POST /mcp, without a token", "401", WALL),
    line("origin", THINK, "Origin and Host: ours?", "Origin", |_| true),
    line("health", ANSWER, "200 healthy", "/health", BARE),
    line("catalog", THINK, "tools and prompts are declared", "definitions", |facts| PING(facts) && !facts.tools.is_empty()),
    line("ping", ANSWER, "200 with an empty result", "ping", PING),
    line("handshake", ANSWER, "200 what I can do", "initialize", OPEN),
    line("call", ASK, "POST /mcp: tools/call", "tools/call", OPEN),
    line("call", ANSWER, "200 what the tool says", "tools/call", OPEN),
    line("keys", ASK, "GET /.well-known/jwks.json", "jwks.json", |facts| OPEN(facts) && facts.keys),
    line("keys", ANSWER, "200 the public keys", "jwks.json", |facts| OPEN(facts) && facts.keys),
    line("challenge", ANSWER, "401 and a challenge: a token, please", "401", |facts| WALL(facts) && !TRAIL(facts)),
    line("challenge", ANSWER, "401 and a challenge: it says where to ask", "protected resource", TRAIL),
    line("by-hand", (Client, Client), "gen-token signs a token", "bearer", |facts| WALL(facts) && !TRAIL(facts)),
    line("resource", ASK, "GET the protected resource’s metadata", "protected resource", TRAIL),
    line("resource", ANSWER, "200 resource, authorization_servers", "protected resource", TRAIL),
    line("server", TO_LOGIN, "GET the authorization server’s metadata", LOGIN, TRAIL),
    line("server", FROM_LOGIN, "200 its endpoints, and S256", LOGIN, TRAIL),
    line("registration", TO_LOGIN, "POST to the registration endpoint: my name, and where to call me back", LOGIN, TRAIL),
    line("registration", FROM_LOGIN, "201 client_id", LOGIN, TRAIL),
    line("pkce", (Client, Client), "a secret, and its hash", LOGIN, TRAIL),
    line("login", TO_LOGIN, "the login page: client_id, scope, resource, state, the hash", LOGIN, TRAIL),
    line("login", (Authorization, Authorization), "a person logs in and agrees", LOGIN, TRAIL),
    line("callback", FROM_LOGIN, "back to the callback: code, state, iss", LOGIN, TRAIL),
    line("token", TO_LOGIN, "POST to the token endpoint: code, the secret, resource", LOGIN, TRAIL),
    line("token", FROM_LOGIN, "200 a token, for this resource only", LOGIN, TRAIL),
    line("tools", ASK, "POST /mcp: tools/list, with the token", "bearer", WALL),
    line("tools", (Server, Authorization), "GET the public keys", PROVIDER, FOREIGN),
    line("tools", (Authorization, Server), "200 the public keys", PROVIDER, FOREIGN),
    line("tools", THINK, "signature, iss, aud, exp: good?", "bearer", WALL),
    line("tools", ANSWER, "200 the tools", "bearer", WALL),
    line("whoami", ASK, "POST /mcp: tools/call whoami", "whoami", |facts| facts.offers("whoami")),
    line("whoami", ANSWER, "200 who you are", "whoami", |facts| facts.offers("whoami")),
    line("refusal", ASK, "POST /mcp: tools/call, with the token", "insufficient_scope", POLICY),
    line("refusal", THINK, "scopes: enough for this?", "insufficient_scope", POLICY),
    line("refusal", ANSWER, "403 insufficient_scope, and what is missing", "insufficient_scope", POLICY),
    line("more", TO_LOGIN, "the login page again, for the scopes of both", "", POLICY),
    line("more", FROM_LOGIN, "code, and for it a new token", "", POLICY),
    line("more", ASK, "POST /mcp: tools/call, with the new token", "", POLICY),
    line("more", THINK, "scopes: enough", "", POLICY),
    line("more", ANSWER, "200 what the tool says", "", POLICY),
];

const MARGIN: u32 = 120;
const GAP: u32 = 320;
const HEAD: u32 = 56;
const ROW: u32 = 32;

/// The picture, measured out.
#[derive(Debug)]
pub(super) struct Diagram {
    pub(super) lanes: Vec<Head>,
    pub(super) rows: Vec<Row>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The name at the top of a lane.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) x: u32,
    pub(super) name: &'static str,
    pub(super) below: String,
}

/// A line, where it is drawn.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) part: &'static str,
    pub(super) text: &'static str,
    pub(super) is_new: bool,
    /// Whether no new one stands shortly above it: it gets the tag.
    pub(super) begins: bool,
    pub(super) x1: u32,
    pub(super) x2: u32,
    pub(super) y: u32,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

impl Row {
    /// A thought stays in its lane.
    pub(super) fn is_thought(&self) -> bool {
        self.x1 == self.x2
    }

    pub(super) fn middle(&self) -> u32 {
        u32::midpoint(self.x1, self.x2)
    }

    /// The corners of the arrow's head.
    pub(super) fn head(&self) -> String {
        let (x, y) = (self.x2, self.y);
        let back = if self.x2 > self.x1 { x - 9 } else { x + 9 };
        format!("{x},{y} {back},{} {back},{}", y - 4, y + 4)
    }
}

impl Diagram {
    /// What a server of these facts says, with what `adds` speaks of marked.
    pub(super) fn new(facts: &Facts, adds: &str) -> Self {
        let adds = adds.to_lowercase();
        let mut rows: Vec<Row> = Vec::new();
        for line in LINES.iter().filter(|line| (line.when)(facts)) {
            let is_new = !line.word.is_empty() && adds.contains(&line.word.to_lowercase());
            rows.push(Row {
                part: line.part,
                text: line.text,
                is_new,
                begins: is_new && !rows.iter().rev().take(2).any(|row| row.is_new),
                x1: x(line.from),
                x2: x(line.to),
                y: HEAD + ROW * (u32::try_from(rows.len()).expect("a short table") + 1),
                from: name(line.from),
                to: name(line.to),
            });
        }
        let lanes: &[Lane] = if facts.resource.is_some() {
            &[Client, Server, Authorization]
        } else {
            &[Client, Server]
        };
        let last = lanes.last().map_or(0, |&lane| x(lane));
        Self {
            width: last + MARGIN,
            height: rows.last().map_or(HEAD, |row| row.y) + ROW,
            lanes: lanes.iter().map(|&lane| head(lane, facts)).collect(),
            rows,
        }
    }
}

fn x(lane: Lane) -> u32 {
    MARGIN + GAP * lane as u32
}

fn name(lane: Lane) -> &'static str {
    match lane {
        Client => "Client",
        Server => "MCP server",
        Authorization => "Authorization server",
    }
}

fn head(lane: Lane, facts: &Facts) -> Head {
    let below = match lane {
        Client => "this page, curl, an agent".to_owned(),
        Server => "this program".to_owned(),
        Authorization if facts.own_authorization_server => {
            "this program too, for development".to_owned()
        }
        Authorization => {
            let issuer = facts.issuer().unwrap_or_default();
            issuer.split("://").last().unwrap_or_default().to_owned()
        }
    };
    Head { x: x(lane), name: name(lane), below }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_header_speaks_of_is_marked_and_nothing_else() {
        let facts = Facts { mcp: true, handshake: true, wall: true, ..Facts::default() };
        let diagram = Diagram::new(&facts, "the wall: Bearer authentication, 401 with a challenge");
        let new: Vec<_> =
            diagram.rows.iter().filter(|row| row.is_new).map(|row| row.part).collect();
        assert_eq!(new, ["challenge", "challenge", "by-hand", "tools", "tools", "tools"]);
        let origin = diagram.rows.iter().find(|row| row.part == "origin").unwrap();
        assert!(!origin.is_new && origin.is_thought());
        assert_eq!(diagram.lanes.len(), 2);
    }

    #[test]
    fn rows_follow_each_other_and_arrows_point_to_their_end() {
        let diagram = Diagram::new(&Facts::default(), "");
        let [ask, _, answer] = &diagram.rows[..] else { panic!("{diagram:?}") };
        assert_eq!((ask.y + 2 * ROW, ask.x1, ask.x2), (answer.y, answer.x2, answer.x1));
        assert!(ask.head().starts_with(&format!("{},{} {}", ask.x2, ask.y, ask.x2 - 9)));
        assert!(diagram.height > answer.y);
    }
}
