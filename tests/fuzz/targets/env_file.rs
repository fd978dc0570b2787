//! Files of settings: read, or refused with the number of a line that is there or with a name, never with a value.
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

fuzz_target!(|text: &[u8]| {
    fs::write(&*FILE, text).expect("a file");
    match EnvFile::read(&FILE) {
        Ok(mut file) => {
            let command = Cli::command();
            let matches =
                command.clone().try_get_matches_from(["fuzz"]).expect("defaults are good");
            let arguments = file.arguments(&command, &matches);
            let arguments = std::iter::once("fuzz".into()).chain(arguments);
            let _ = command.try_get_matches_from(arguments);
        }
        // What stands in the file may be a secret. A message is made of these members, and of its own words.
        Err(EnvFileError::Malformed { path, line }) => {
            assert_eq!(path, *FILE);
            let lines = text.split(|&byte| byte == b'\n').count();
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
        Err(EnvFileError::Repeated { path, name }) => {
            assert_eq!(path, *FILE);
            let of_a_name = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
            assert!(!name.is_empty() && name.chars().all(of_a_name), "{name:?}");
        }
        Err(EnvFileError::Read { path, .. }) => {
            assert_eq!(path, *FILE);
            assert!(str::from_utf8(text).is_err(), "what is text can be read");
        }
    }
});
