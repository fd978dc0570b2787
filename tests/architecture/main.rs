//! The dependencies between modules, the size of files and the shape of the step files, checked on the sources.

mod imports;
mod source;
mod steps;
mod words;

use std::collections::BTreeMap;

use source::{code, sources};

const MAX_LINES: usize = 300;

/// Of Rust files in one folder of `src`.
const MAX_FILES: usize = 14;

#[test]
fn files_stay_small() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", path.display());
    }
}

#[test]
fn folders_stay_small() {
    let mut files = BTreeMap::<_, usize>::new();
    for path in sources("src").into_keys() {
        *files.entry(path.parent().expect("a folder").to_owned()).or_default() += 1;
    }
    for (folder, count) in files {
        assert!(
            count <= MAX_FILES,
            "{} has {count} files, more than {MAX_FILES}",
            folder.display()
        );
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
