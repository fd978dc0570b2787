//! Logs report what happened, and no token, code or secret.
//!
//! Every server of these tests logs all that it can, and when it ends its log is searched for every secret that was
//! noted (`support::secrets`). Here the whole way to a token is gone with a secret at each step, against a real server.

use serde_json::{Value, json};

use super::support::{Answer, Ask, Server, note};

const VERIFIER: &str = "a-verifier-that-must-not-be-logged-0123456789-abcdef";

/// The value of a hidden field of a page.
fn field(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.body.split(&start).nth(1).unwrap_or_else(|| panic!("no {name}: {page:?}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn form(server: &Server, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let request = server.request("POST", path).header("cookie", cookie);
    request.header("origin", &server.url).form(fields).answer().await
}

fn text(answer: &Value, member: &str) -> String {
    let value = answer[member].as_str().unwrap_or_else(|| panic!("no {member}: {answer}"));
    note(value);
    value.to_owned()
}

#[tokio::test]
async fn no_secret_of_the_login_flow_is_logged() {
    for format in ["text", "json"] {
        let server = Server::start_with("step9", ["--log", "trace", "--log-format", format]);
        note(VERIFIER);
        let client = json!({
            "client_name": "a test", "redirect_uris": ["http://127.0.0.1:3760/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_post",
        });
        let client = server.request("POST", "/auth/register").json(&client).answer().await.json();
        let id = client["client_id"].as_str().expect("an id, which is public").to_owned();
        let secret = text(&client, "client_secret");
        let challenge = {
            use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
            use sha2::{Digest, Sha256};
            URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
        };
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &id),
                ("redirect_uri", "http://127.0.0.1:3760/callback"),
                ("scope", "mcp:read mcp:tools offline_access"),
                ("state", "state-is-a-secret-too"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
                ("resource", &format!("{}/mcp", server.url)),
            ])
            .finish();
        note("state-is-a-secret-too");

        let ask = format!("/auth/authorize?{query}");
        let page = server.get(&ask).await;
        let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
        let csrf_token = field(&page, "csrf_token");
        for password in ["wrong-password-of-alice", "alice123"] {
            note(password);
            note(&csrf_token);
            let fields =
                [("csrf_token", &*csrf_token), ("username", "alice"), ("password", password)];
            let answer = form(&server, &format!("/auth/login?{query}"), &cookie, &fields).await;
            assert_eq!(answer.status == 303, password == "alice123", "{answer:?}");
            let Some(set) = answer.headers.get("set-cookie").filter(|_| answer.status == 303)
            else {
                continue;
            };
            let cookie = set.to_str().unwrap().split(';').next().unwrap();
            note(cookie.split_once('=').unwrap().1);
            let tokens = redeem(&server, &query, cookie, &id, &secret).await;
            use_them(&server, &tokens, &id, &secret).await;
        }
        // A busy machine reads the log later than the response.
        server.wait_for_log("access token issued");
    }
}

async fn redeem(server: &Server, query: &str, cookie: &str, id: &str, secret: &str) -> Value {
    let page = server.request("GET", &format!("/auth/authorize?{query}")).header("cookie", cookie);
    let csrf_token = field(&page.answer().await, "csrf_token");
    note(&csrf_token);
    let fields = [
        ("csrf_token", &*csrf_token),
        ("decision", "allow"),
        ("scope", "mcp:read"),
        ("scope", "mcp:tools"),
        ("scope", "offline_access"),
    ];
    let answer = form(server, &format!("/auth/consent?{query}"), cookie, &fields).await;
    let location = url::Url::parse(answer.header("location")).expect("a redirect");
    let code = location.query_pairs().find(|(name, _)| name == "code").expect("a code").1;
    note(&code);
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("client_secret", secret),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", "http://127.0.0.1:3760/callback"),
    ];
    let answer = form(server, "/auth/token", "", &fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// In every place where a token can be sent, right and wrong.
async fn use_them(server: &Server, tokens: &Value, id: &str, secret: &str) {
    let (access, refresh) = (text(tokens, "access_token"), text(tokens, "refresh_token"));
    let answer = server.rpc(&access, "tools/list", json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    server.rpc(&format!("{access}x"), "ping", json!({})).await;
    server.get(&format!("/mcp?access_token={access}")).await;
    server.get(&format!("/docs?code={refresh}")).await;
    server.mcp("", format!("access_token={access}")).answer().await;
    server
        .mcp(&access, json!({"jsonrpc": "2.0", "id": 1, "method": access}).to_string())
        .answer()
        .await;
    server
        .rpc(&access, "tools/call", json!({"name": "echo", "arguments": {"message": refresh}}))
        .await;
    // A refresh, one with its successor, and the first token again: a replay, which revokes the grant.
    let mut successor = refresh.clone();
    for (token, status) in [(None, 200), (None, 200), (Some(&refresh), 400)] {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", id),
            ("client_secret", secret),
            ("refresh_token", token.unwrap_or(&successor)),
        ];
        let answer = form(server, "/auth/token", "", &fields).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 200 {
            text(&answer.json(), "access_token");
            successor = text(&answer.json(), "refresh_token");
        }
    }
}
