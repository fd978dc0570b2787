//! The scripts that readers run, with real curl. They need bash, curl and jq.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::support::binary;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

macro_rules! scripts {
    ($($script:ident)*) => {
        $(#[test] fn $script() { run(stringify!($script)); })*

        const LISTED: &[&str] = &[$(stringify!($script)),*];
    };
}

scripts! { test_step1 test_step2 test_step3 test_step4 test_step5 test_step6 test_step7 test_step8 test_step9 }

/// Runs a script with the programs that cargo has just built; it must pass, with at least one check.
#[track_caller]
fn run(script: &str) {
    for tool in ["bash", "curl", "jq"] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
        assert!(found.is_ok_and(|status| status.success()), "{tool} is needed: install it");
    }
    let programs = binary("step1");
    let mut command = Command::new("bash");
    for variable in ["BASE_URL", "TOKEN", "KEYS", "PORT", "HOST", "MCP_SERVER_URL"] {
        command.env_remove(variable);
    }
    let output = command
        .arg(Path::new(FOLDER).join(script).with_extension("sh"))
        .env("STEP_BIN_DIR", programs.parent().expect("a folder"))
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().last().unwrap_or_default();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse::<u32>().ok());
    assert!(
        output.status.success() && passed.is_some_and(|count| count > 0),
        "{script}: {}\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Step 10 needs a Keycloak; scripts/test_all.sh runs it where there is one.
#[test]
fn scripts_of_other_steps_run_too() {
    for entry in fs::read_dir(FOLDER).expect("the folder of the scripts") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let script = name.strip_suffix(".sh").filter(|name| name.starts_with("test_step"));
        if let Some(script) = script.filter(|name| *name != "test_step10" && !LISTED.contains(name))
        {
            run(script);
        }
    }
}

#[test]
fn a_script_whose_server_does_not_start_fails() {
    let output = Command::new("bash")
        .arg(Path::new(FOLDER).join("test_step1.sh"))
        .env_remove("BASE_URL")
        .env("STEP_BIN_DIR", "/nonexistent")
        .output()
        .expect("bash runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("cargo build --bin step1"), "{errors}");
}

#[test]
fn no_check_passes_for_a_server_that_does_not_respond() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for script in LISTED {
        let output = Command::new("bash")
            .arg(Path::new(FOLDER).join(script).with_extension("sh"))
            .env("BASE_URL", format!("http://127.0.0.1:{port}"))
            .env("STEP_BIN_DIR", binary("step1").parent().expect("a folder"))
            .env("KEYS", std::env::temp_dir().join(format!("mcp-auth-no-server-{port}")))
            .output()
            .expect("bash runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && text.contains("FAIL"), "{script}: {text}");
        assert!(!text.contains("  ok  "), "{script}: {text}");
    }
}
