//! gen-token: every flag, and that its tokens grant the scopes that they name.

use std::{fs, path::Path, process::Output};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Server, command, key_folder, now};

/// Runs gen-token in `folder`, where its files go, with the keys of `folder/keys`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command("gen-token");
    command.current_dir(folder).args(arguments).output().expect("it runs")
}

/// The same; it must succeed. Its output, trimmed.
#[track_caller]
fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

/// A folder to work in, with a key pair in `keys`.
fn workshop() -> TempDir {
    let (folder, keys) = (tempfile::tempdir().expect("a folder"), key_folder());
    fs::create_dir(folder.path().join("keys")).expect("a folder");
    for name in ["mcp_private_key.pem", "mcp_public_key.pem"] {
        fs::copy(keys.path().join(name), folder.path().join("keys").join(name)).expect("a copy");
    }
    folder
}

/// Header or payload of a token, unverified.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// With RUST_BACKTRACE=1 anyhow would print the frames of the error, and a wrong setting is no bug.
#[test]
fn an_error_is_one_line_without_frames() {
    let mut command = command("gen-token");
    command
        .args(["--username", "alice", "--keys-dir", "/dev/null/keys"])
        .env("RUST_BACKTRACE", "1");
    let output = command.output().expect("it runs");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(log.starts_with("Error: ") && log.contains("/dev/null/keys"), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[test]
fn a_token_has_the_claims_that_the_flags_set() {
    let folder = workshop();
    let mint = |arguments: &[&str]| {
        let token = good(folder.path(), &[arguments, &["--print-token"]].concat());
        assert_eq!(part(&token, 0), json!({"alg": "RS256", "kid": "mcp-key-1", "typ": "JWT"}));
        part(&token, 1)
    };
    let alice = mint(&["--username", "alice"]);
    let issued = alice["iat"].as_u64().expect("iat");
    assert!(now() - issued < 30, "{alice}");
    let expected = json!({
        "iss": "mcp-simple-auth", "aud": "mcp-server", "sub": "user_alice",
        "iat": issued, "exp": issued + 3600, "preferred_username": "alice",
        "scope": "mcp:read mcp:tools", "scopes": ["mcp:read", "mcp:tools"], "roles": ["user"],
    });
    assert_eq!(alice, expected);

    let bob =
        mint(&["--username", "bob", "--scopes", " mcp:read , mcp:prompts,", "--expires", "24"]);
    assert_eq!(
        (&bob["scope"], &bob["scopes"]),
        (&json!("mcp:read mcp:prompts"), &json!(["mcp:read", "mcp:prompts"]))
    );
    assert_eq!(bob["exp"].as_u64().unwrap() - bob["iat"].as_u64().unwrap(), 24 * 3600);

    let guest = mint(&["--username", "guest", "--scopes", ""]);
    assert_eq!((&guest["scope"], &guest["scopes"]), (&json!(""), &json!([])));
    for name in ["admin", "Administrator", "ADMIN"] {
        assert_eq!(mint(&["--username", name])["roles"], json!(["user", "admin"]), "{name}");
    }
    let carol = mint(&["--username", "carol", "--roles", "auditor", "--audience", "elsewhere"]);
    assert_eq!((&carol["roles"], &carol["aud"]), (&json!(["auditor"]), &json!("elsewhere")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "--print-token writes no file");
}

#[test]
fn without_print_token_it_prints_a_summary_and_writes_a_private_file() {
    let folder = workshop();
    let said = good(folder.path(), &["--username", "alice"]);
    for word in ["alice", "mcp:read, mcp:tools", "Expires:", "token_alice.json"] {
        assert!(said.contains(word), "no `{word}` in:\n{said}");
    }
    let path = folder.path().join("token_alice.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        (&file["username"], &file["scopes"]),
        (&json!("alice"), &json!(["mcp:read", "mcp:tools"]))
    );
    assert_eq!(part(file["token"].as_str().unwrap(), 1), file["payload"]);
    assert!(file["expires_at"].as_str().unwrap().ends_with('Z'), "UTC: {file}");
    assert_private(&path);
}

#[test]
fn demo_makes_three_at_once() {
    let folder = workshop();
    good(folder.path(), &["--demo"]);
    let path = folder.path().join("demo_tokens.json");
    let tokens: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let users: Vec<_> =
        tokens.as_array().unwrap().iter().map(|token| token["user"].clone()).collect();
    assert_eq!(users, ["alice", "bob", "admin"]);
    assert_eq!(tokens[1]["scopes"], json!(["mcp:read", "mcp:prompts"]));
    assert_eq!(tokens[2]["payload"]["roles"], json!(["user", "admin"]));
    assert_private(&path);
}

#[test]
fn generate_keys_replaces_the_pair_and_needs_no_name() {
    let folder = workshop();
    let path = folder.path().join("keys/mcp_private_key.pem");
    let before = fs::read_to_string(&path).unwrap();
    good(folder.path(), &["--generate-keys"]);
    assert_ne!(fs::read_to_string(&path).unwrap(), before);
    assert_private(&path);
    let elsewhere = folder.path().join("other");
    good(folder.path(), &["--generate-keys", "--keys-dir", elsewhere.to_str().unwrap()]);
    assert!(elsewhere.join("mcp_public_key.pem").exists());
}

#[test]
fn invalid_flags_are_rejected() {
    let folder = workshop();
    for (arguments, word) in [
        (&[][..], "--username"),
        (&["--username", ""], "--username"),
        (&["--username", "../evil"], "--username"),
        (&["--username", "a/b"], "--username"),
        (&["--username", ".hidden"], "--username"),
        (&["--username", "alice", "--expires", "0"], "--expires"),
        (&["--username", "alice", "--expires", "soon"], "--expires"),
        (&["--demo", "--print-token"], "--print-token"),
        (&["--username", "alice", "--nonsense"], "--nonsense"),
    ] {
        let output = run(folder.path(), arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(word), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing is written");
    let help = good(folder.path(), &["-h"]);
    assert!(help.contains("Examples:") && help.contains("--print-token"), "{help}");
}

#[tokio::test]
async fn a_server_with_the_same_keys_accepts_the_token() {
    let server = Server::start("step6");
    let keys = server.keys.path().to_str().expect("text");
    let token =
        good(server.keys.path(), &["--keys-dir", keys, "--username", "dora", "--print-token"]);
    let hello = server.rpc(&token, "initialize", Value::Null).await.result();
    assert_eq!(hello["serverInfo"]["authenticatedUser"], "dora");
}

/// Readable by its owner and by nobody else.
#[track_caller]
fn assert_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}
