//! Files of settings: parsed, or rejected with the name of a variable, never with a value.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use clap::CommandFactory;
use libfuzzer_sys::fuzz_target;
use mcp_auth::config::Cli;

#[allow(dead_code)]
#[path = "../../../src/config/env_file.rs"]
mod env_file;

use env_file::{EnvFile, EnvFileError};

static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("fuzz-settings-{}", std::process::id())));

fn of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.".contains(c)
}

fuzz_target!(|text: &[u8]| {
    fs::write(&*FILE, text).expect("a file");
    match EnvFile::read(&FILE, true) {
        Ok(mut file) => {
            let command = Cli::command();
            if let Err(EnvFileError::Unknown { name, .. }) = file.require_known(&command) {
                assert!(!name.is_empty() && name.chars().all(of_a_name), "{name:?}");
            }
            let matches =
                command.clone().try_get_matches_from(["fuzz"]).expect("defaults are good");
            let arguments = file.arguments(&command, &matches);
            let arguments = std::iter::once("fuzz".into()).chain(arguments);
            let _ = command.try_get_matches_from(arguments);
        }
        // The file may contain secrets. A message is made of these fields and fixed text.
        Err(EnvFileError::Malformed { path, place }) => {
            assert_eq!(path, *FILE);
            let name = place.strip_prefix("after ").unwrap_or("start");
            assert!(name.chars().all(of_a_name), "{place:?}");
        }
        Err(EnvFileError::Duplicate { path, name }) => {
            assert_eq!(path, *FILE);
            assert!(!name.is_empty() && name.chars().all(of_a_name), "{name:?}");
        }
        Err(EnvFileError::Unknown { .. }) => unreachable!("reading checks no names"),
        Err(EnvFileError::Read { path, .. }) => {
            assert_eq!(path, *FILE);
            assert!(str::from_utf8(text).is_err(), "what is text can be read");
        }
    }
});
