//! The scripts that readers run: the same checks, through real curl. They need bash, curl and jq.

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

/// Runs a script with the programs that cargo has just built; it must pass, and it must have checked something.
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
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse::<u32>().ok());
    assert!(
        output.status.success() && passed.is_some_and(|count| count > 0),
        "{script}: {}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Step 10 wants a Keycloak; scripts/test_all.sh runs it where there is one.
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
