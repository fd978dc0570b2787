//! Forged and misdirected tokens (RFC 8725, RFC 9700 4.10, MCP "Token Passthrough").

use std::{net::TcpListener, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    support::{Server, claims, key_pair, now, private_pem, public_pem},
    tokens::forge::{Algorithm, Forge, HEADER, hs256, message},
};

use super::{attacks, get, ping, post, refused, still_alive};

fn ours() -> Forge {
    Forge::new(private_pem())
}

fn alice(claim: &str, value: Value) -> Value {
    let mut claims = claims("alice", "mcp:tools");
    claims[claim] = value;
    claims
}

fn header(member: &str, value: Value) -> String {
    let mut header: Value = serde_json::from_str(HEADER).unwrap();
    header[member] = value;
    header.to_string()
}

/// 401, and nothing of the token in the log.
#[track_caller]
fn unauthorized(server: &Server, token: &str) {
    let answer = refused(server, ping(&[&format!("Authorization: Bearer {token}")]), 401);
    assert!(answer.contains(r#"error="invalid_token""#), "{answer}");
    for part in token.split('.').filter(|part| part.len() > 20) {
        assert!(!server.log().contains(part), "a part of the token is in the log");
        assert!(!answer.contains(part), "a part of the token is in the answer");
    }
}

/// The same with a header that points to keys of the attacker's: they are not fetched.
#[track_caller]
fn unauthorized_and_nothing_fetched(server: &Server, member: &str) {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", trap.local_addr().unwrap());
    let untrusted = tempfile::tempdir().unwrap();
    mcp_auth::auth::keys::KeyPair::create(untrusted.path()).unwrap();
    let pem = std::fs::read_to_string(untrusted.path().join("mcp_private_key.pem")).unwrap();
    let token = Forge::new(&pem).rs256(&header(member, json!(url)), &alice("sub", json!("x")));
    unauthorized(server, &token);
    assert!(trap.accept().is_err(), "fetched {url}");
}

attacks! { "step8";
    a_token_without_a_signature: |server| {
        let head = header("alg", json!("none"));
        unauthorized(server, &format!("{}.", message(&head, &alice("x", json!(1)).to_string())))
    };
    a_public_key_as_a_shared_secret: |server| {
        unauthorized(server, &hs256(public_pem().as_bytes(), &header("alg", json!("HS256")), &alice("x", json!(1))))
    };
    an_algorithm_of_the_same_family: |server| {
        unauthorized(server, &ours().sign(Algorithm::Rs512, &header("alg", json!("RS512")), &alice("x", json!(1))))
    };
    a_header_that_points_to_keys: |server| unauthorized_and_nothing_fetched(server, "jku");
    a_header_that_points_to_a_certificate: |server| unauthorized_and_nothing_fetched(server, "x5u");
    a_key_in_the_header: |server| {
        let jwk = serde_json::to_value(key_pair().jwks()).unwrap()["keys"][0].clone();
        let token = ours().rs256(&header("jwk", jwk), &alice("iss", json!("evil")));
        unauthorized(server, &token)
    };
    a_kid_that_is_a_file: |server| {
        let head = header("kid", json!("../../../../../../dev/null"));
        unauthorized(server, &hs256(b"", &head.replace("RS256", "HS256"), &alice("x", json!(1))))
    };
    a_kid_that_is_a_url: |server| unauthorized_and_nothing_fetched(server, "kid");
    a_kid_that_is_an_sql_query: |server| {
        let head = header("kid", json!("x' UNION SELECT 'AAAA' -- "));
        unauthorized(server, &hs256(b"AAAA", &head.replace("RS256", "HS256"), &alice("x", json!(1))))
    };
    a_token_for_another_audience: |server| {
        unauthorized(server, &ours().token(&alice("aud", json!("https://other.example/mcp"))))
    };
    a_token_for_an_audience_with_the_servers_as_prefix: |server| {
        unauthorized(server, &ours().token(&alice("aud", json!(format!("{}/mcp/", server.url)))))
    };
    a_token_of_another_issuer: |server| {
        unauthorized(server, &ours().token(&alice("iss", json!("https://login.example"))))
    };
    the_issuer_of_another_server_with_this_audience: |server| {
        // Both are trusted here, but each for its own audience only.
        let mut mixed = alice("iss", json!(server.url));
        mixed["aud"] = json!("mcp-server");
        unauthorized(server, &ours().token(&mixed))
    };
    an_id_token: |server| unauthorized(server, &ours().token(&alice("typ", json!("ID"))));
    a_refresh_token: |server| unauthorized(server, &ours().token(&alice("typ", json!("Refresh"))));
    a_token_of_another_type: |server| {
        unauthorized(server, &ours().rs256(&header("typ", json!("dpop+jwt")), &alice("x", json!(1))))
    };
    an_extension_that_must_be_understood: |server| {
        let head = r#"{"alg":"RS256","kid":"mcp-key-1","crit":["cnf"],"cnf":{}}"#;
        unauthorized(server, &ours().rs256(head, &alice("x", json!(1))))
    };
    an_expired_token_that_was_valid_before: |server| {
        let token = ours().token(&alice("exp", json!(now() + 2)));
        let line = format!("Authorization: Bearer {token}");
        assert!(server.raw(ping(&[&line])).starts_with("HTTP/1.1 200"));
        thread::sleep(Duration::from_millis(2_100));
        unauthorized(server, &token)
    };
    a_cached_token_with_another_signature: |server| {
        let token = ours().token(&alice("x", json!(1)));
        let other = ours().token(&alice("x", json!(2)));
        assert!(server.raw(ping(&[&format!("Authorization: Bearer {token}")])).starts_with("HTTP/1.1 200"));
        let (message, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        unauthorized(server, &format!("{message}.{signature}"))
    };
    a_cached_token_with_an_added_role: |server| {
        let token = server.token("alice", "");
        assert!(server.raw(ping(&[&format!("Authorization: Bearer {token}")])).starts_with("HTTP/1.1 200"));
        let (_, signature) = token.rsplit_once('.').unwrap();
        let claims = alice("roles", json!(["admin"])).to_string();
        unauthorized(server, &format!("{}.{signature}", message(HEADER, &claims)))
    };
    a_token_without_exp: |server| {
        let mut claims = alice("x", json!(1));
        claims.as_object_mut().unwrap().remove("exp");
        unauthorized(server, &ours().token(&claims))
    };
    a_token_beyond_the_header_limit: |server| {
        // Valid, but larger than the limit on headers: not the token is wrong, the request is (RFC 6585, 5).
        let token = ours().token(&alice("x", json!("y".repeat(40_000))));
        refused(server, ping(&[&format!("Authorization: Bearer {token}")]), 431);
    };
    a_token_in_the_query: |server| {
        let token = server.token("alice", "mcp:tools");
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        refused(server, post(&format!("/mcp?access_token={token}"), &[], body), 401);
        assert!(!server.log().contains(&token), "it may be valid elsewhere")
    };
    a_token_in_a_form: |server| {
        let token = server.token("alice", "mcp:tools");
        let body = format!("access_token={token}");
        let lines = ["Content-Type: application/x-www-form-urlencoded"];
        refused(server, post("/mcp", &lines, &body), 401);
        assert!(!server.log().contains(&token))
    };
    a_token_in_a_cookie: |server| {
        let token = server.token("alice", "mcp:tools");
        refused(server, ping(&[&format!("Cookie: access_token={token}")]), 401);
        assert!(!server.log().contains(&token))
    };
    a_token_in_another_scheme: |server| {
        let token = server.token("alice", "mcp:tools");
        for scheme in ["Basic", "DPoP", "Token", "BearerX", "Bearer\t"] {
            refused(server, ping(&[&format!("Authorization: {scheme} {token}")]), 401);
        }
        assert!(!server.log().contains(&token))
    };
    two_tokens_one_good_and_one_bad: |server| {
        let token = format!("Authorization: Bearer {}", server.token("alice", "mcp:tools"));
        refused(server, ping(&[&token, "Authorization: Bearer x.y.z"]), 400);
        refused(server, ping(&["Authorization: Bearer x.y.z", &token]), 400);
        refused(server, ping(&[&token, &token]), 400)
    };
    two_tokens_in_one_line: |server| {
        let token = server.token("alice", "mcp:tools");
        refused(server, ping(&[&format!("Authorization: Bearer {token}, Bearer {token}")]), 401)
    };
    a_blank_before_the_colon_of_authorization: |server| {
        let token = server.token("alice", "mcp:tools");
        refused(server, ping(&[&format!("Authorization : Bearer {token}")]), 400)
    };
    a_token_on_a_folded_line: |server| {
        let token = server.token("alice", "mcp:tools");
        refused(server, ping(&[&format!("Authorization: Bearer\r\n {token}")]), 400)
    };
    a_user_without_scopes_who_writes_them_into_the_request: |server| {
        let token = server.token("mallory", "");
        let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"x"},"scope":"mcp:tools","_meta":{"roles":["admin"]}}}"#;
        let line = format!("Authorization: Bearer {token}");
        let answer = refused(server, post("/mcp", &[&line, "X-Scope: mcp:tools", "X-Roles: admin"], body), 403);
        assert!(answer.contains(r#"error="insufficient_scope""#), "{answer}")
    };
    names_that_look_like_a_scope_or_a_role: |server| {
        for (scopes, roles) in [("xmcp:toolsmith mcp:tool MCP:TOOLS", json!(["Admin", "administrator"])), ("", json!("admin")), ("", json!({"admin": true}))] {
            let mut claims = claims("mallory", scopes);
            claims["roles"] = roles;
            let line = format!("Authorization: Bearer {}", ours().token(&claims));
            let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
            refused(server, post("/mcp", &[&line], body), 403);
        }
    };
    a_hundred_invalid_tokens: |server| {
        for _ in 0..100 {
            server.raw(ping(&["Authorization: Bearer a.b.c"]));
        }
        still_alive(server);
        assert!(server.raw(get("/mcp", &[])).starts_with("HTTP/1.1 405"))
    };
}
