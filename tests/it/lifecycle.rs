//! A program from its start to its end: settings, the port, the keys, signals.

use std::{fs, net::TcpListener, path::Path, process::Output};

use serde_json::json;

use super::support::{Ask, Server, binary, command, key_folder};

fn run(step: &str, arguments: &[&str]) -> (Output, String) {
    let output = command(step).args(arguments).output().expect("it runs");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8(text).expect("text"))
}

/// The flags in a text: `--port` for "choose another port with --port".
fn flags(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("--").filter_map(|(at, _)| {
        let name = &text[at + 2..];
        let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(name.len());
        let begins = text[..at].ends_with(|c: char| c == '-' || c.is_alphanumeric());
        (end > 0 && !name.starts_with('-') && !begins).then(|| name[..end].trim_end_matches('-'))
    })
}

#[test]
fn errors_and_hints_name_only_flags_that_exist() {
    // Together they use every setting.
    let programs = ["step8", "step10", "step11", "gen-token"];
    let help: String = programs.map(|program| run(program, &["--help"]).1).concat();
    // Of cargo.
    let known: Vec<_> = flags(&help).chain(["bin", "features", "manifest-path"]).collect();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("it").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).expect("UTF-8");
                for flag in flags(&source) {
                    assert!(known.contains(&flag), "{}: no program has --{flag}", path.display());
                }
            }
        }
    }
}

/// A setting that a step does not use is accepted, because files are shared, but `--help` does not show it.
#[test]
fn help_shows_the_settings_that_a_step_uses_and_examples() {
    for (step, more, hidden) in [
        (
            "step1",
            &[][..],
            &["--keys-dir", "--issuer", "--signing-secret", "--enterprise-issuer"][..],
        ),
        ("step5", &["--keys-dir"], &["--issuer", "--enterprise-issuer", "--token-cache-bytes"]),
        ("step8", &["--keys-dir", "--enterprise-issuer"], &["--issuer", "--signing-secret"]),
        ("step9", &["--keys-dir", "--signing-secret"], &["--provider-file"]),
        ("step10", &["--issuer", "--provider-file", "--signing-secret"], &["--keys-dir"]),
    ] {
        let (output, help) = run(step, &["-h"]);
        assert!(output.status.success());
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let everywhere = ["--host", "--port", "--public-url", "--allow-origin", "--log"];
        let texts = ["[env: HOST=]", "[env: PORT=]", "[env: MCP_SERVER_URL=]", "Examples:"];
        for word in everywhere.iter().chain(&texts).chain(more) {
            assert!(help.contains(word), "{step}: no `{word}` in:\n{help}");
        }
        for word in hidden {
            assert!(!help.contains(&format!(" {word} <")), "{step}: `{word}` in:\n{help}");
        }
    }
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (output, log) = run("step1", &["--port", &port]);
    assert!(!output.status.success());
    assert!(log.contains(&format!("127.0.0.1:{port}")) && log.contains("--port"), "{log}");
    assert!(!log.contains("listening on"), "{log}");
}

#[test]
fn invalid_settings_are_rejected_by_name() {
    for (arguments, flag) in [
        (["--port", "70000"], "--port"),
        (["--port", "nine"], "--port"),
        (["--host", "localhost:1"], "--host"),
        (["--public-url", "mcp.example.com"], "--public-url"),
        (["--public-url", "https://mcp.example.com/path?x=1"], "--public-url"),
        (["--allow-origin", "https://app.example.com/x"], "--allow-origin"),
        (["--max-body-size", "much"], "--max-body-size"),
        (["--nonsense", "1"], "--nonsense"),
        (["--log", "a=b=c"], "--log"),
    ] {
        let (output, log) = run("step1", &arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(log.contains(flag), "{arguments:?}: {log}");
    }
}

#[tokio::test]
async fn the_environment_counts_and_the_command_line_counts_more() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = command("step1").env("PORT", &port).output().expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains(&port), "{log}");

    let server = Server::start_with("step7", ["--public-url", "https://mcp.example.com"]);
    let document = server.get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["resource"], "https://mcp.example.com/mcp");
}

#[test]
fn an_invalid_key_file_is_a_start_up_error_that_names_file_and_remedy() {
    let ec = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    for (name, file, content) in [
        ("empty", "mcp_private_key.pem", Some("")),
        ("not PEM", "mcp_private_key.pem", Some("secret")),
        ("not RSA", "mcp_private_key.pem", Some(ec)),
        ("a broken public half", "mcp_public_key.pem", Some("-----BEGIN PUBLIC KEY-----\n")),
        ("no private half", "mcp_private_key.pem", None),
        ("no public half", "mcp_public_key.pem", None),
    ] {
        let folder = key_folder();
        let path = folder.path().join(file);
        match content {
            Some(content) => fs::write(&path, content).expect("a file"),
            None => fs::remove_file(&path).expect("a file less"),
        }
        let keys = folder.path().to_str().expect("text");
        let (output, log) = run("step6", &["--port", "0", "--keys-dir", keys]);
        assert!(!output.status.success(), "{name}: {log}");
        assert!(
            log.contains(file) && log.contains("gen-token -- --generate-keys"),
            "{name}: {log}"
        );
        assert!(!log.contains("listening on"), "{name}: it must not run without a key: {log}");
    }
}

#[tokio::test]
async fn without_keys_a_pair_is_generated_and_the_log_names_the_folder() {
    let server = Server::start_without_keys("step6");
    server.wait_for_log("generated RSA key pair");
    assert!(server.keys.path().join("mcp_private_key.pem").exists());
    assert_eq!(server.get("/health").await.json()["auth_required"], true);
    let answer = server.rpc("", "ping", serde_json::Value::Null).await;
    assert_eq!(answer.status, 401, "nobody comes in without a token, new keys or not");
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_in_good_order_at_once() {
    for signal in ["INT", "TERM"] {
        let mut server = Server::start("step8");
        server.signal(signal);
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
        server.wait_for_log("shutting down");
    }
}

#[test]
fn an_address_of_another_machine_is_an_error_that_names_the_flag() {
    // 192.0.2.0/24 is for documentation (RFC 5737).
    let output = command("step1").args(["--host", "192.0.2.1", "--port", "0"]).output();
    let log = String::from_utf8(output.expect("it runs").stderr).expect("text");
    assert!(log.contains("choose an address of this machine with --host"), "{log}");
}

/// With RUST_BACKTRACE=1 anyhow would print the frames of the error, and a wrong setting is no bug.
#[test]
fn an_error_at_the_start_is_one_line_without_frames() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = command("step1").args(["--port", &port]).env("RUST_BACKTRACE", "1").output();
    let output = output.expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(log.lines().filter(|line| !line.contains("INFO")).count(), 1, "{log}");
}

#[tokio::test]
async fn the_start_shows_what_to_open_and_what_to_run() {
    for (step, mcp, client) in
        [("step1", false, false), ("step4", true, false), ("step9", true, true)]
    {
        let server = Server::start(step);
        server.wait_for_log("next:    cargo run --bin step");
        let (url, log) = (&server.url, server.log());
        for (line, expected) in [
            (format!("guide:   {url}/docs"), true),
            (format!("mcp:     {url}/mcp"), mcp),
            (format!("client:  cargo run --bin step11 -- {url}/mcp"), client),
        ] {
            assert_eq!(log.lines().any(|found| found == line), expected, "{step}: {line}\n{log}");
        }
        let start = server.get("/").await;
        assert_eq!((start.status, start.header("location")), (307, &*format!("{url}/docs")));
    }
}

/// RFC 9728, 3.1: the well-known path comes before the path of the resource.
#[tokio::test]
async fn a_public_url_may_have_a_path_that_a_proxy_strips_or_does_not() {
    let server = Server::start_with("step7", ["--public-url", "https://gw.example.com/team-a"]);
    for prefix in ["/team-a", ""] {
        let path = format!("{prefix}/mcp");
        let answer = server.request("POST", &path).header("host", "gw.example.com").answer().await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(server.get(&format!("{prefix}/health")).await.status, 200, "{prefix}");
        assert_eq!(server.get(&format!("{prefix}/docs")).await.status, 200, "{prefix}");
    }
    assert_eq!(server.get("/team-b/mcp").await.status, 404);
    // Where the challenge says, at the root of the host: the proxy must pass this path on, too.
    let metadata = "/.well-known/oauth-protected-resource/team-a/mcp";
    let challenge = server.request("POST", "/mcp").header("host", "gw.example.com").answer().await;
    let challenge = challenge.header("www-authenticate").to_owned();
    assert!(challenge.contains(&format!("https://gw.example.com{metadata}\"")), "{challenge}");
    let document = server.get(metadata).await.json();
    assert_eq!(document["resource"], "https://gw.example.com/team-a/mcp");
    // The root belongs to all that share the host.
    assert_eq!(server.get("/.well-known/oauth-protected-resource").await.status, 404);
}

#[tokio::test]
async fn another_name_of_the_server_can_be_allowed() {
    let server = Server::start_with("step4", ["--allow-host", "gateway.internal"]);
    for (host, path, status) in [
        ("gateway.internal:9000", "/mcp", 405),
        ("evil.example", "/mcp", 403),
        ("evil.example", "/health", 403),
        ("gateway.internal", "/health", 200),
        ("10.0.0.7:9000", "/health", 200),
        ("10.0.0.7:9000", "/mcp", 403),
    ] {
        let answer = server.request("GET", path).header("host", host).answer().await;
        assert_eq!(answer.status, status, "{host} {path}");
    }
}

#[test]
fn port_0_picks_a_free_port() {
    let (first, second) = (Server::start("step1"), Server::start("step1"));
    assert_ne!(first.address, second.address);
    assert!(first.address.starts_with("127.0.0.1:"), "loopback only: {}", first.address);
    assert!(binary("step1").exists());
}

/// What is printed can be pasted: it names this port and this folder of keys.
#[tokio::test]
async fn the_example_is_for_this_port_and_these_keys() {
    let server = Server::start("step9");
    let keys = server.keys.path().to_str().expect("text").to_owned();
    let command = format!("--bin gen-token -- --keys-dir '{keys}' --username alice");
    server.wait_for_log(&command);
    assert!(server.log().contains(&format!("curl -s {}/mcp", server.url)), "{}", server.log());
    let token = server.token("alice", "mcp:read");
    let guide = server.rpc(&token, "resources/read", json!({"uri": "tutorial://guide"})).await;
    let text = guide.result()["contents"][0]["text"].as_str().expect("text").to_owned();
    assert!(text.contains(&command) && text.contains(&format!("{}/mcp", server.url)), "{text}");
    let page = server.get("/docs").await.body;
    assert!(page.contains(&command.replace('\'', "&#39;")), "{command}");
}
