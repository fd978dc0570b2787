//! Which room may know of which, and the shape of the step files: read from the sources, so that a change that
//! breaks the plan of the house breaks a test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each room and the rooms that it may name. `auth` and `mcp` meet in step files and nowhere else.
const MAY_USE: &[(&str, &[&str])] = &[
    ("auth", &["principal"]),
    ("authorization_server", &["auth", "principal", "public_ip"]),
    ("client", &["auth", "jsonrpc", "principal", "public_ip"]),
    ("config", &["auth", "jsonrpc", "origin", "program", "telemetry"]),
    ("cors", &["origin"]),
    ("docs", &["auth", "config", "origin", "program"]),
    ("health", &[]),
    ("jsonrpc", &[]),
    ("mcp", &["jsonrpc", "principal"]),
    ("origin", &[]),
    ("principal", &[]),
    ("program", &[]),
    ("public_ip", &[]),
    ("server", &["config", "docs", "health", "jsonrpc", "origin", "program", "telemetry"]),
    ("telemetry", &[]),
];

const MAX_LINES: usize = 320;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its text.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
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
fn room(path: &Path) -> Option<String> {
    let part = path.strip_prefix("src").ok()?.components().next()?;
    Some(part.as_os_str().to_str()?.trim_end_matches(".rs").to_owned())
}

/// The code: no comments, and no tests at the end of a file.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| match line.find("//") {
        // `://` is a URL.
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The code without its texts: a message may well tell people which program to start.
fn without_strings(code: &str) -> String {
    let code = code.replace("\\\\", "").replace("\\\"", "").replace("'\"'", "");
    code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The rooms that a piece of code names: `crate::auth::..`, and each name in `crate::{..}`.
fn named_rooms(code: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            rooms.insert(word(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    rooms.insert(word(item.trim()));
                    item.clear();
                    continue;
                }
                _ => {}
            }
            item.push(c);
        }
        rooms.insert(word(item.trim()));
    }
    rooms.remove("");
    rooms
}

fn step_files() -> Vec<(u32, String)> {
    let number = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("step")?.parse().ok();
    let mut steps: Vec<(u32, String)> = sources("src/bin")
        .into_iter()
        .filter_map(|(path, text)| Some((number(&path)?, text)))
        .collect();
    steps.sort();
    steps
}

#[test]
fn rooms_know_only_the_rooms_that_they_may() {
    let plan: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    for (path, text) in sources("src") {
        let Some(room) = room(&path).filter(|room| !["bin", "lib"].contains(&room.as_str())) else {
            continue;
        };
        let allowed = plan
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{}: the room `{room}` is not on the plan", path.display()));
        for named in named_rooms(&code(&text)) {
            assert!(
                named == room || allowed.contains(&named.as_str()),
                "{}: `{room}` may not know of `{named}`",
                path.display()
            );
        }
    }
}

#[test]
fn imports_in_braces_are_read_one_by_one() {
    let code =
        "use crate::{\n auth::{jwks, keys::{A, B}},\n origin, principal::X,\n};\n crate::mcp::f()";
    assert_eq!(
        named_rooms(code).into_iter().collect::<Vec<_>>(),
        ["auth", "mcp", "origin", "principal"]
    );
}

#[test]
fn the_client_knows_of_auth_only_what_goes_over_the_wire() {
    for (path, text) in
        sources("src").into_iter().filter(|(path, _)| path.starts_with("src/client"))
    {
        let code = code(&text);
        let private = ["keys", "verifier", "bearer", "claims", "token_cache", "remote_jwks"];
        for (at, _) in code.match_indices("auth::") {
            let (before, named) = (&code[..at], &code[at + "auth::".len()..]);
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue; // another name that ends so
            }
            let end = if named.starts_with('{') { '}' } else { ':' };
            let named = named.split(end).next().unwrap_or_default();
            let found = private.iter().find(|module| named.contains(*module));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}

#[test]
fn only_step_files_know_of_steps() {
    for (path, text) in sources("src") {
        if path.starts_with("src/bin") {
            continue;
        }
        // A step-up is a term of the field: authorization for more scopes than before.
        let code = without_strings(&code(&text)).to_lowercase().replace("step_up", "");
        let words = code.split(|c: char| !c.is_alphabetic());
        let found = words.filter(|word| ["step", "steps"].contains(word)).count();
        assert_eq!(found, 0, "{} says `step` in its code", path.display());
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", path.display());
    }
}

#[test]
fn every_server_has_the_same_main_and_the_same_signature() {
    let main = "#[tokio::main]\nasync fn main() -> anyhow::Result<()> {\n    server::run(program_info!(), app).await\n}\n";
    let app = "async fn app(config: Config) -> anyhow::Result<Router> {\n";
    for (number, text) in step_files().iter().filter(|(number, _)| *number <= 10) {
        assert_eq!(text.matches(main).count(), 1, "step {number} has another `main`");
        assert_eq!(text.matches(app).count(), 1, "step {number} has another `app`");
        assert_eq!(text.matches("fn ").count(), 2, "step {number} has more than `main` and `app`");
        assert!(!text.contains("#[cfg(test)]"), "step {number} has tests in it");
    }
}

#[test]
fn every_step_has_the_same_header() {
    let steps = step_files();
    assert!(steps.len() >= 8, "{} steps", steps.len());
    for (number, text) in steps {
        let header: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let title = format!("//! Step {number}: ");
        assert!(
            header[0].starts_with(&title) && header[0].ends_with('.'),
            "step {number}: {}",
            header[0]
        );
        let mut labels = header.iter().filter_map(|line| {
            ["Adds", "Spec", "Try"]
                .into_iter()
                .find(|word| line.starts_with(&format!("//! {word}:")))
        });
        assert_eq!(labels.by_ref().collect::<Vec<_>>(), ["Adds", "Spec", "Try"], "step {number}");
        assert_eq!(header[1], "//!", "step {number}: an empty line below the title");
    }
}

#[test]
fn nothing_is_imported_by_a_star() {
    for (path, text) in sources("src") {
        let code = code(&text);
        let star = code.lines().find(|line| line.contains("::*"));
        assert_eq!(star, None, "{}", path.display());
    }
}
