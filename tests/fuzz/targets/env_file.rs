//! Files of settings: read, or refused with the number of a line that is there.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use clap::CommandFactory;
use libfuzzer_sys::fuzz_target;
use mcp_auth::config::Settings;

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
            let command = Settings::command();
            let matches =
                command.clone().try_get_matches_from(["fuzz"]).expect("defaults are good");
            let arguments = file.arguments(&command, &matches);
            let arguments = std::iter::once("fuzz".into()).chain(arguments);
            let _ = command.try_get_matches_from(arguments);
        }
        Err(error) => {
            // What stands in the file may be a secret: no line of it is shown. A name is, and other lines may look
            // like a part of it, or like it and a blank.
            let mut message = error.to_string();
            if let EnvFileError::Repeated { name, .. } = &error {
                message = message.replace(name.as_str(), "");
            }
            let lines = text.split(|&byte| byte == b'\n').filter(|line| line.len() > 12);
            for line in lines.filter_map(|line| str::from_utf8(line).ok()) {
                assert!(!message.contains(line) || line.contains("fuzz-settings"), "{message}");
            }
        }
    }
});
