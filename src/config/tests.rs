//! Settings from the command line and from a file.

use std::{ffi::OsString, path::PathBuf};

use super::Cli;
use crate::program::ProgramInfo;

/// The settings from a file with these lines and from flags.
pub(super) fn read(lines: &str, flags: &[&str]) -> Result<Cli, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.env");
    std::fs::write(&path, lines).unwrap();
    let arguments = ["server", "--env", path.to_str().unwrap()];
    let arguments = arguments.iter().chain(flags).map(OsString::from).collect();
    Cli::parse_from(&ProgramInfo::default(), arguments).map_err(|error| error.to_string())
}

#[test]
fn a_file_gives_what_command_line_and_environment_do_not() {
    let cli = read("MCP_KEYS_DIR=elsewhere\nMCP_ALLOW_ORIGIN=http://a.test,http://b.test\n", &[]);
    let cli = cli.unwrap();
    assert_eq!(cli.keys_dir, PathBuf::from("elsewhere"));
    assert_eq!(cli.allow_origin.len(), 2);
    let cli = read("MCP_KEYS_DIR=elsewhere\nKEYCLOAK_REALM=\n", &["--keys-dir", "here"]).unwrap();
    assert_eq!(cli.keys_dir, PathBuf::from("here"));
    assert!(cli.provider.resolve().issuer.ends_with("/realms/mcp-realm"));

    let message = read("JWT_ISSUER=localhost\n", &[]).unwrap_err();
    assert!(message.contains("my.env: invalid value 'localhost' for '--issuer"), "{message}");
    let message = read("JWT_ISSUER\n", &[]).unwrap_err();
    assert!(message.contains("my.env: the line at its start is not NAME=value"), "{message}");
}

#[test]
fn only_the_default_file_may_be_missing_and_unknown_names_are_kept() {
    let program =
        ProgramInfo { default_env_file: "no-such.env".to_owned(), ..ProgramInfo::default() };
    let cli = Cli::parse_from(&program, vec!["server".into()]).unwrap();
    assert!(format!("{:?}", cli.file).contains("missing: true"));
    let arguments = ["server", "--env", "no-such.env"].map(OsString::from);
    let error = Cli::parse_from(&program, arguments.to_vec()).unwrap_err().to_string();
    assert!(error.contains("cannot read no-such.env"), "{error}");
    let cli = read("JWT_AUDENCE=x\n", &[]).unwrap();
    assert!(format!("{:?}", cli.file).contains(r#"unknown: ["JWT_AUDENCE"]"#));
}

#[test]
fn the_issuer_follows_the_keycloak_that_was_set_closer_to_the_user() {
    let lines = "KEYCLOAK_URL=http://localhost:1\nJWT_ISSUER=http://localhost:1/realms/mcp-realm\n\
                 JWKS_URL=http://localhost:1/certs\n";
    for (flags, issuer, jwks_url) in [
        (&[][..], "http://localhost:1/realms/mcp-realm", Some("http://localhost:1/certs")),
        (&["--keycloak-url=http://localhost:2"], "http://localhost:2/realms/mcp-realm", None),
        (&["--keycloak-realm=r"], "http://localhost:1/realms/r", None),
        (
            &["--keycloak-url=http://k", "--issuer=http://localhost:3/realms/mcp-realm"],
            "http://localhost:3/realms/mcp-realm",
            Some("http://k/realms/mcp-realm/protocol/openid-connect/certs"),
        ),
    ] {
        let provider = read(lines, flags).unwrap().provider.resolve();
        assert_eq!(provider.issuer, issuer, "{flags:?}");
        assert_eq!(provider.jwks_url.as_deref(), jwks_url, "{flags:?}");
    }
}

#[test]
fn settings_that_belong_together_may_come_from_the_command_line_and_a_file() {
    let cli = read("INTROSPECTION_CLIENT_SECRET=hush\n", &["--introspection-client-id=me"]);
    assert!(cli.unwrap().provider.resolve().introspection.is_some());
    let file = "DOWNSTREAM_AUDIENCE=a\nDOWNSTREAM_SCOPE=s\nEXCHANGE_CLIENT_ID=c\n";
    let secret = format!("{file}EXCHANGE_CLIENT_SECRET=hush\n");
    let url = "--downstream-url=http://localhost:1/orders";
    assert_eq!(read(&secret, &[url]).unwrap().downstream.resolve().unwrap().url, url[17..]);
    // One is missing everywhere; the file is named when the command line alone is valid.
    for (lines, more, missing, of_file) in [
        (file, &[url][..], "--exchange-client-secret", false),
        (&secret, &[], "--downstream-url", true),
    ] {
        let message = read(lines, more).unwrap_err();
        assert!(message.contains(missing) && message.contains("not provided"), "{message}");
        assert_eq!(message.contains("in ") && message.contains("my.env:"), of_file, "{message}");
        assert!(!message.contains("hush"), "{message}");
    }
    let message = read(&secret, &[url, "--port=x"]).unwrap_err();
    assert!(message.contains("invalid value 'x' for '--port"), "{message}");
}
