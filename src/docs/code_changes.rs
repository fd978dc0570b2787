//! What a program adds to the program before it: the changed lines of its source, and the library files that they use for
//! the first time.

use std::collections::BTreeSet;

use similar::{ChangeTag, TextDiff};

use crate::program::ProgramInfo;

/// Lines of context around a change.
const CONTEXT: usize = 2;

/// Modules that every program uses and none is about, and macros.
const COMMON: [&str; 6] = ["config", "docs", "program", "program_docs", "program_info", "server"];

/// Modules whose code is in a `mod.rs`.
const FOLDERS: [&str; 3] = ["authorization_server", "tutorial", "verify"];

/// The changes of a program against its predecessor; without one, all of it is new.
#[derive(Debug)]
pub(super) struct CodeChanges {
    pub(super) added: usize,
    pub(super) removed: usize,
    /// Changed `use` declarations, which the page shows only when asked.
    pub(super) imports: Vec<Line>,
    pub(super) code: Vec<Line>,
    /// Library files that the program uses and its predecessor does not.
    pub(super) files: Vec<String>,
}

/// A line of the diff.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// `+`, `-`, a blank for context, or `…` between two hunks.
    pub(super) sign: char,
    pub(super) text: String,
}

impl Line {
    pub(super) fn class(&self) -> &'static str {
        match self.sign {
            '+' => "added",
            '-' => "removed",
            _ => "context",
        }
    }
}

impl CodeChanges {
    pub(super) fn of(program: &ProgramInfo) -> Self {
        let (old_imports, old_code) =
            split_imports(program.previous.as_ref().map_or("", |(_, code)| code));
        let (new_imports, new_code) = split_imports(&program.code);
        let (imports, code) = (diff(old_imports, new_imports), diff(old_code, new_code));
        let count = |sign| imports.iter().chain(&code).filter(|line| line.sign == sign).count();
        Self {
            added: count('+'),
            removed: count('-'),
            files: library_files(new_imports)
                .difference(&library_files(old_imports))
                .cloned()
                .collect(),
            imports,
            code,
        }
    }
}

/// The `use` declarations at the top, and the rest.
fn split_imports(source: &str) -> (&str, &str) {
    source.split_at(source.find("#[tokio::main]").unwrap_or_default())
}

fn diff(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for hunk in diff.grouped_ops(CONTEXT) {
        if !lines.is_empty() {
            lines.push(Line { sign: '…', text: String::new() });
        }
        for change in hunk.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            lines.push(Line { sign, text: change.value().trim_end().to_owned() });
        }
    }
    lines
}

/// The files below `src` that the imports name: `src/auth/bearer.rs` for `mcp_auth::auth::bearer::BearerAuth`.
fn library_files(imports: &str) -> BTreeSet<String> {
    let Some((_, tree)) = imports.split_once("use mcp_auth::") else { return BTreeSet::new() };
    let tree: String =
        tree.chars().filter(|c| !c.is_whitespace()).take_while(|c| *c != ';').collect();
    let mut files = BTreeSet::new();
    collect_files(&tree, &[], &mut files);
    files
}

/// Adds the files of an import tree without blanks, such as `auth::{bearer::BearerAuth,keys}`, below `parents`.
fn collect_files(tree: &str, parents: &[&str], files: &mut BTreeSet<String>) {
    if let Some(list) = tree.strip_prefix('{') {
        let list = list.strip_suffix('}').unwrap_or(list);
        let (mut depth, mut start) = (0_usize, 0);
        for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    collect_files(&list[start..at], parents, files);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    // After a trailing comma.
    if tree.is_empty() {
        return;
    }
    let (name, rest) = tree.split_once("::").unwrap_or((tree, ""));
    let is_module = name.starts_with(char::is_lowercase) && name != "self";
    if is_module && !rest.is_empty() {
        collect_files(rest, &[parents, &[name]].concat(), files);
        return;
    }
    let module: Vec<_> = parents.iter().copied().chain(is_module.then_some(name)).collect();
    match module.first() {
        None => {}
        Some(first) if COMMON.contains(first) => {}
        Some(_) => {
            let end = if module.last().is_some_and(|last| FOLDERS.contains(last)) {
                "/mod.rs"
            } else {
                ".rs"
            };
            files.insert(format!("src/{}{end}", module.join("/")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "use axum::Router;\nuse mcp_auth::{config::Config, health::{self, Health}};\n\n#[tokio::main]\nasync fn main() {\n    run();\n}\n";
    const NEW: &str = "use axum::Router;\nuse mcp_auth::{\n    auth::{bearer::BearerAuth, keys::{KeyPair, PublicKey}, },\n    authorization_server::AuthorizationServer,\n    config::Config,\n    health::{self, Health},\n    origin, tutorial,\n};\n\n#[tokio::main]\nasync fn main() {\n    run();\n    protect();\n}\n";

    #[test]
    fn added_lines_and_newly_used_files_are_found() {
        let previous = Some(("before".to_owned(), OLD.to_owned()));
        let program = ProgramInfo { code: NEW.to_owned(), previous, ..ProgramInfo::default() };
        let changes = CodeChanges::of(&program);
        assert_eq!(
            changes.files,
            [
                "src/auth/bearer.rs",
                "src/auth/keys.rs",
                "src/authorization_server/mod.rs",
                "src/origin.rs",
                "src/tutorial/mod.rs"
            ]
        );
        let signs: String = changes.code.iter().map(|line| line.sign).collect();
        assert_eq!(signs, "  + ");
        assert_eq!(changes.code[2].text, "    protect();");
        assert_eq!((changes.added, changes.removed), (8, 1));
    }

    #[test]
    fn all_of_the_first_program_is_new() {
        let program = ProgramInfo { code: OLD.to_owned(), ..ProgramInfo::default() };
        let changes = CodeChanges::of(&program);
        assert!(changes.code.iter().chain(&changes.imports).all(|line| line.sign == '+'));
        assert_eq!(changes.files, ["src/health.rs"]);
    }
}
