//! Words that this project once had of its own, and the field's terms for them.

use std::{fs, path::PathBuf};

use crate::source::root;

/// Each word, or run of words, and what to write instead. Plurals count too.
const INSTEAD: &[(&str, &str)] = &[
    ("brake", "rate limit"),
    ("dialect", "claim mapping"),
    ("door", "endpoint"),
    ("doorway", "listener, or accept loop"),
    ("in work", "in flight"),
    ("journal", "call log, or scope state"),
    ("knock", "request, or call"),
    ("leftovers", "unread body"),
    ("patience", "timeout"),
    ("room", "module, or endpoint"),
    ("seal", "MAC, sign, or signing secret"),
    ("sealed", "signed"),
    ("seat", "permit"),
    ("stranger", "untrusted party"),
    ("taken back", "revoked"),
    ("trail", "discovery"),
    ("wall", "bearer authentication"),
    ("withdrawn", "revoked"),
];

/// Places where a word means what a dictionary says: the end of a path, the word, the reason.
const EXEMPT: &[(&str, &str, &str)] = &[];

/// The files that people read: sources, tests, scripts and READMEs, but no lock files, no pictures and not this list.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut next = vec![
        root().join("src"),
        root().join("scripts"),
        root().join("tests"),
        root().join("README.md"),
    ];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            let skipped =
                ["target", "node_modules", ".venv", "venv", "seeds", "tests/architecture"];
            if skipped.iter().all(|name| !path.ends_with(name)) {
                let entries = fs::read_dir(&path).expect("a folder that can be read");
                next.extend(entries.map(|entry| entry.expect("an entry").path()));
            }
        } else if !path.extension().is_some_and(|ending| ending == "lock" || ending == "json") {
            // What is not UTF-8 is a picture.
            found.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
    found
}

/// The words of a line in lower case: `BearerWall`, `bearer_wall` and `bearer wall` are the same two.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower_case = false;
    for c in line.chars() {
        if !c.is_ascii_alphabetic() || (c.is_ascii_uppercase() && after_lower_case) {
            words.push(String::new());
        }
        if c.is_ascii_alphabetic() {
            words.last_mut().expect("never empty").push(c.to_ascii_lowercase());
        }
        after_lower_case = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn words_are_told_apart_in_names_and_in_sentences() {
    assert_eq!(
        words("BearerWall, bearer_wall: a WALL"),
        ["bearer", "wall", "bearer", "wall", "a", "wall"]
    );
}

#[test]
fn texts_and_names_use_the_terms_of_the_field() {
    let texts = texts();
    assert!(texts.len() > 100, "{} files", texts.len());
    let mut found = Vec::new();
    for (path, text) in &texts {
        for (number, line) in text.lines().enumerate() {
            let words = words(line);
            for (word, instead) in INSTEAD {
                let parts: Vec<_> = word.split(' ').collect();
                let says = words.windows(parts.len()).any(|window| {
                    window.iter().zip(&parts).all(|(a, b)| a == b || a.strip_suffix('s') == Some(b))
                });
                let exempt =
                    EXEMPT.iter().any(|(end, exempt, _)| path.ends_with(end) && exempt == word);
                if says && !exempt {
                    let path = path.strip_prefix(root()).unwrap_or(path).display();
                    found.push(format!("{path}:{}: {word:?}: write {instead}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
