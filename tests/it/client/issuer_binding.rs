//! To whom secrets and assertions are sent: the MCP server must not choose.

use serde_json::json;

use super::{
    grants::secret,
    mock::Mock,
    run::{Home, assertion, headless, pinned},
};

/// RFC 7523, 3: the audience of an assertion is the authorization server; whoever receives it can use it there.
#[tokio::test]
async fn an_assertion_for_another_server_is_not_sent() {
    let mock = Mock::honest().await;
    for (name, jwt) in [
        ("another server", assertion("https://honest.example.com")),
        ("another server, too", assertion(json!([mock.facts.url, "https://honest.example.com"]))),
        ("a slash more", assertion(format!("{}/", mock.facts.url))),
        ("no audience", assertion(json!(null))),
        ("an empty list", assertion(json!([]))),
    ] {
        let home = Home::new();
        let file = secret(&home, "jwt", &jwt);
        let run = pinned(&mock, &["--grant", "jwt-bearer", "--assertion", &file]).await;
        assert_eq!(run.code, Some(1), "{name}");
        run.failed("the assertion is for");
        assert!(!run.progress.contains(&jwt), "{name}");
    }
    let home = Home::new();
    let file = secret(&home, "jwt", "opaque");
    pinned(&mock, &["--grant", "jwt-bearer", "--assertion", &file])
        .await
        .failed("is not a signed JWT");
    assert_eq!(mock.count("/token"), 0);
}

/// MCP authorization, "Authorization Server Binding": an MCP server must not choose who gets a secret.
#[tokio::test]
async fn credentials_are_sent_unattended_to_a_named_issuer_only() {
    let home = Home::new();
    let file = secret(&home, "secret", "s3cret");
    let key = secret(&home, "key.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    let client = ["--client-id", "me", "--client-secret", &file];
    let machine = ["--grant", "client_credentials"];
    for (name, flags) in [
        ("a headless client", client.to_vec()),
        ("a machine", [&machine[..], &client].concat()),
        (
            "a machine with a key",
            [&machine[..], &["--client-id", "me", "--private-key", &key]].concat(),
        ),
        ("an assertion", vec!["--grant", "jwt-bearer", "--assertion", &file]),
    ] {
        let mock = Mock::honest().await;
        let run = headless(&mock, &flags).await;
        run.failed(&format!("pass --issuer {}", mock.facts.url));
        assert_eq!(mock.count("/token") + mock.count("/authorize"), 0, "{name}");
        // Another issuer than the pinned one: not even its metadata is read.
        let elsewhere = [&flags[..], &["--issuer", "https://honest.example.com"]].concat();
        headless(&mock, &elsewhere).await.failed("not https://honest.example.com");
        assert_eq!(mock.count("/.well-known/oauth-authorization-server"), 0, "{name}");
    }
}
