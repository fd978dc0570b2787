//! Reads the sources of this crate.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its text.
pub(crate) fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.insert(path.strip_prefix(root()).expect("below").to_owned(), text);
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The first part of a path below `src/`: `auth` for `src/auth/keys.rs`, `health` for `src/health.rs`.
pub(crate) fn root_module(path: &Path) -> Option<String> {
    let part = path.strip_prefix("src").ok()?.components().next()?;
    Some(part.as_os_str().to_str()?.trim_end_matches(".rs").to_owned())
}

/// The code: no comments, and no tests at the end of a file.
pub(crate) fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| match line.find("//") {
        // `://` is a URL.
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The code without its texts: a message may well tell people which program to start.
pub(crate) fn without_strings(code: &str) -> String {
    let code = code.replace("\\\\", "").replace("\\\"", "").replace("'\"'", "");
    code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}
