//! Clients that are described by a document at their `client_id`, fetched from a real https server on this machine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use mcp_auth::authorization_server::DocumentPolicy;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use super::support::{Answer, CALLBACK, World, claims, query, redemption};

/// A site that answers every request with the same text, and counts them.
struct Site {
    port: u16,
    authority: Vec<u8>,
    answer: Arc<Mutex<String>>,
    hits: Arc<AtomicUsize>,
}

impl Site {
    async fn open() -> Self {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
                .unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self {
            port: listener.local_addr().unwrap().port(),
            authority: made.cert.pem().into_bytes(),
            answer: Arc::default(),
            hits: Arc::default(),
        };
        let (answer, hits) = (Arc::clone(&site.answer), Arc::clone(&site.hits));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                hits.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answer) = (acceptor.clone(), answer.lock().unwrap().clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let _ = stream.read(&mut [0; 4096]).await;
                    if answer == "slow" {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        site
    }

    fn id(&self) -> String {
        format!("https://localhost:{}/client.json", self.port)
    }

    /// From now on the answer is this.
    fn says(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
        );
    }

    fn describes(&self, changes: serde_json::Value, headers: &str) {
        let mut document = json!({"client_id": self.id(), "client_name": "A described app", "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"});
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.says(
            "200 OK",
            &format!("Content-Type: application/json\r\n{headers}"),
            &document.to_string(),
        );
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// A server that may fetch from this site.
    fn visitor(&self) -> World {
        // On a busy machine a handshake takes its time.
        self.visitor_who_waits(Duration::from_secs(60))
    }

    fn visitor_who_waits(&self, timeout: Duration) -> World {
        let authorities = vec![self.authority.clone()];
        World::with(DocumentPolicy { loopback: true, authorities, timeout })
    }
}

async fn open(world: &World, client_id: &str) -> Answer {
    world.browser().open(&query(&[("client_id", client_id)])).await
}

/// A page that says why, and nobody is sent anywhere.
fn refused(answer: &Answer, reason: &str, what: &str) {
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::BAD_REQUEST, ""),
        "{what}: {answer:?}"
    );
    assert!(answer.text.contains(reason), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_described_client_comes_through_to_its_token() {
    let site = Site::open().await;
    site.describes(json!({}), "Cache-Control: max-age=300\r\n");
    let (world, id) = (site.visitor(), site.id());
    let query = query(&[("client_id", &id)]);
    let mut browser = world.browser();
    let page = browser.log_in(&query, "alice").await.text;
    assert!(
        page.contains("A described app") && page.contains("described at") && page.contains(&id),
        "{page}"
    );
    let code = browser.allow_all(&query).await.redirect(CALLBACK)["code"].clone();
    let mut form = redemption(&code);
    form[1] = ("client_id", &id);
    let tokens = world.token(&form).await.json();
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["client_id"], id.as_str());
    assert_eq!(site.hits(), 1, "kept as HTTP says");
    world.pass(300);
    assert_eq!(open(&world, &id).await.status, StatusCode::OK);
    assert_eq!(site.hits(), 2, "and no longer");

    let foreign = world
        .browser()
        .open(&super::support::query(&[
            ("client_id", &id),
            ("redirect_uri", "https://evil.example/"),
        ]))
        .await;
    refused(&foreign, "did not register", "foreign redirect");
}

#[tokio::test]
async fn a_document_that_is_not_one_is_refused_and_not_remembered() {
    let site = Site::open().await;
    let (world, id) = (site.visitor(), site.id());
    let json = "Content-Type: application/json\r\n";
    for (what, status, headers, body, reason) in [
        ("not found", "404 Not Found", json, "{}", "the answer was 404"),
        (
            "a redirect",
            "302 Found",
            "Location: https://localhost/other.json\r\n",
            "",
            "the answer was 302",
        ),
        ("too large", "200 OK", json, &"x".repeat(5121), "more than 5 KiB"),
        ("a page", "200 OK", "Content-Type: text/html\r\n", "<html>", "not application/json"),
        ("no type", "200 OK", "", "{}", "not application/json"),
        ("no JSON", "200 OK", json, "client", "not a JSON object"),
        ("no id", "200 OK", json, "{}", "not a JSON object"),
    ] {
        site.says(status, headers, body);
        refused(&open(&world, &id).await, reason, what);
    }
    for (what, changes, reason) in [
        ("another id", json!({"client_id": "https://localhost/client.json"}), "another client_id"),
        ("a secret", json!({"client_secret": "x"}), "contains a secret"),
        (
            "asks for a secret",
            json!({"token_endpoint_auth_method": "client_secret_post"}),
            "contains a secret",
        ),
        (
            "keys",
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            "token_endpoint_auth_method",
        ),
        ("no name", json!({"client_name": null}), "not a JSON object"),
        ("no redirect", json!({"redirect_uris": []}), "redirect_uris must list"),
        ("plain http", json!({"redirect_uris": ["http://app.example/cb"]}), "must use https"),
    ] {
        site.describes(changes, "Cache-Control: max-age=300\r\n");
        refused(&open(&world, &id).await, reason, what);
    }
    *site.answer.lock().unwrap() = "slow".to_owned();
    let impatient = site.visitor_who_waits(Duration::from_millis(200));
    refused(&open(&impatient, &id).await, "took too long", "slow");
    site.describes(json!({}), "Cache-Control: no-store\r\n");
    for _ in 0..2 {
        let before = site.hits();
        assert_eq!(open(&world, &id).await.status, StatusCode::OK);
        assert_eq!(site.hits(), before + 1, "no-store");
    }
}

#[tokio::test]
async fn nobody_uses_us_to_knock_at_doors_that_only_we_can_reach() {
    let site = Site::open().await;
    site.describes(json!({}), "");
    let port = site.port;
    let closed = World::with(DocumentPolicy {
        authorities: vec![site.authority.clone()],
        ..DocumentPolicy::default()
    });
    for (host, reason) in [
        ("localhost", "not on the public internet"),
        ("127.0.0.1", "not on the public internet"),
        ("[::1]", "not on the public internet"),
        ("[::ffff:7f00:1]", "not on the public internet"),
        ("10.0.0.1", "not on the public internet"),
        ("169.254.169.254", "not on the public internet"),
        // Other spellings of addresses are not what the parser writes.
        ("127.1", "not an https URL"),
        ("2130706433", "not an https URL"),
        ("0x7f.0.0.1", "not an https URL"),
    ] {
        refused(&open(&closed, &format!("https://{host}:{port}/client.json")).await, reason, host);
    }
    for id in [
        format!("http://localhost:{port}/client.json"),
        "https://localhost/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        refused(&open(&closed, &id).await, "not an https URL", &id);
    }
    let open_here = World::with(DocumentPolicy { loopback: true, ..DocumentPolicy::default() });
    for host in ["10.0.0.1", "169.254.169.254"] {
        refused(
            &open(&open_here, &format!("https://{host}/client.json")).await,
            "not on the public internet",
            host,
        );
    }
    assert_eq!(site.hits(), 0, "not even a connection");
    refused(
        &open(&open_here, &site.id()).await,
        "nothing could be fetched",
        "an authority that nobody trusts",
    );
    assert_eq!(site.hits(), 1);
}

#[tokio::test]
async fn the_token_endpoint_does_not_take_a_described_client_at_its_word_either() {
    let site = Site::open().await;
    site.says("404 Not Found", "", "");
    let id = site.id();
    let mut form = redemption("x");
    form[1] = ("client_id", &id);
    let visitor = site.visitor();
    let answer = visitor.token(&form).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid_client"))
    );
    // What we may never fetch is no reason to fetch less of the rest.
    form[1] = ("client_id", "https://10.0.0.1/x");
    for _ in 0..100 {
        assert_eq!(visitor.token(&form).await.json()["error"], "invalid_client");
    }
    // Whether there is such a client will be known later: it need not register anew.
    form[1] = ("client_id", &id);
    for _ in 0..60 {
        visitor.token(&form).await;
    }
    let answer = visitor.token(&form).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str(), answer.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"), "60")
    );
}
