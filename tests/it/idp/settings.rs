//! Settings of step 10: from a file, the environment and the command line; and what `/health` then reports.

use std::{fs, process::Output};

use serde_json::{Value, json};

use crate::support::{Server, command};

async fn health(server: &Server) -> Value {
    server.get("/health").await.json()
}

fn file(lines: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.env");
    fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// What step 10 says when it ends at once.
fn refused(flags: &[&str]) -> String {
    let Output { status, stderr, .. } =
        command("step10").args(["--port", "0"]).args(flags).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn keycloak_direct_env_is_read_by_default() {
    let server = Server::start("step10");
    server.wait_for_log("keycloak_direct.env");
    let realm = "http://localhost:8080/realms/mcp-realm";
    let certs = format!("{realm}/protocol/openid-connect/certs");
    let health = health(&server).await;
    assert_eq!(
        health["keycloak_config"],
        json!({"url": "http://localhost:8080", "realm": "mcp-realm", "issuer": realm, "jwks_url": certs})
    );
    for (member, expected) in [
        ("status", json!("healthy")),
        ("keycloak_integration", json!(true)),
        ("auth_required", json!(true)),
        ("scope_based_auth", json!(true)),
    ] {
        assert_eq!(health[member], expected, "{member}");
    }
    assert!(health["jwks_available"].is_boolean(), "{health}");
    let links = &health["oauth_metadata"];
    assert_eq!(links["jwks"], certs);
    assert_eq!(
        links["authorization_server"],
        format!("{realm}/.well-known/oauth-authorization-server")
    );
    for (path, resource) in [("", ""), ("/mcp", "/mcp")] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let document = server.get(&path).await.json();
        assert_eq!(document["resource"], format!("{}{resource}", server.url));
        assert_eq!(document["authorization_servers"], json!([realm]));
        assert_eq!(
            document["scopes_supported"],
            json!(["echo-mcp-server-audience", "mcp:read", "mcp:tools", "mcp:prompts"])
        );
    }
    for path in ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_command_line_wins_over_the_file_and_a_missing_file_is_an_error() {
    let lines = "KEYCLOAK_URL=http://localhost:9090  \nKEYCLOAK_REALM=other\nMCP_SERVER_URL=https://mcp.example.com\n";
    let (_folder, path) = file(lines);
    let server = Server::start_with("step10", ["--env", &path]);
    let said = health(&server).await;
    assert_eq!(said["keycloak_config"]["issuer"], "http://localhost:9090/realms/other");
    let link = &said["oauth_metadata"]["protected_resource"];
    assert_eq!(link, "https://mcp.example.com/.well-known/oauth-protected-resource");

    let server = Server::start_with("step10", ["--env", &path, "--keycloak-realm", "mine"]);
    let said = health(&server).await;
    assert_eq!(said["keycloak_config"]["issuer"], "http://localhost:9090/realms/mine");

    // A file that somebody names is needed; only the default one may be missing.
    let error = refused(&["--env", "/no/such.env"]);
    assert!(error.contains("cannot read /no/such.env"), "{error}");
}

/// Inside the containers' network the keys come over http from another host, which needs a setting of its own.
#[tokio::test]
async fn the_settings_of_the_compose_file_work() {
    let compose = include_str!("../../../scripts/deploy/compose.yaml");
    let (_, environment) = compose.split_once("    environment:\n").expect("an environment");
    let lines: String = environment
        .lines()
        .map_while(|line| line.strip_prefix("      ")?.split_once(": "))
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    assert!(lines.contains("JWKS_URL=http://keycloak:8080/"), "{lines}");
    let (_folder, path) = file(&lines);
    let server = Server::start_with("step10", ["--env", &path]);
    let error = health(&server).await["providers"][0]["error"].to_string();
    assert!(!error.contains("not usable"), "{error}");
    server.wait_for_log("issuer and JWKS URL are on different servers");
}

#[tokio::test]
async fn the_environment_wins_over_the_file() {
    let (_folder, path) = file("KEYCLOAK_REALM=from-the-file\nINTROSPECTION_CLIENT_ID=me\n");
    // Stops at once, and says which settings it saw: without a secret there is no client.
    let output = command("step10")
        .args(["--port", "0", "--env", &path])
        .env("JWT_ISSUER", "nonsense")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("invalid value 'nonsense' for '--issuer"), "{said}");
    let said = refused(&["--env", &path]);
    assert!(said.contains("my.env") && said.contains("--introspection-client-secret"), "{said}");
}

#[tokio::test]
async fn errors_in_a_file_are_named_and_its_secrets_are_not() {
    let (_folder, path) = file("KEYCLOAK_REALM=r\nINTROSPECTION_CLIENT_SECRET=my secret words\n");
    let said = refused(&["--env", &path]);
    assert!(said.contains("my.env: the line after KEYCLOAK_REALM is not NAME=value"), "{said}");
    assert!(!said.contains("secret words"), "{said}");

    let (_folder, path) = file("KEYCLOAK_ULR=http://localhost:9090\n");
    let server = Server::start_with("step10", ["--env", &path]);
    server.wait_for_log("unknown setting, see --help");
    assert!(server.log().contains("KEYCLOAK_ULR"), "{}", server.log());
}

#[tokio::test]
async fn an_unusable_provider_is_a_start_up_error_with_the_reason() {
    for (flags, expected) in [
        (&["--issuer", "https://accounts.google.com"][..], "put a broker in front"),
        (&["--issuer", "http://keycloak:8080/realms/r"], "--allow-http-provider"),
        (&["--issuer", "ftp://x"], "give an http or https URL"),
        (&["--audience", "a,,b"], "an item of the list is empty"),
    ] {
        let said = refused(flags);
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
}

#[tokio::test]
async fn any_other_provider_is_named_byte_for_byte() {
    let issuer = "https://tenant.eu.auth0.com/";
    let server = Server::start_with("step10", ["--issuer", issuer]);
    let document = server.get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["authorization_servers"], json!([issuer]), "byte for byte");
}
