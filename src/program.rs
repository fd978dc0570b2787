//! What a program does, read from the header of its own source file: `--help`, the start-up text and `/docs` show it, so
//! they cannot differ from the source.
//!
//! ```
//! use mcp_auth::program::ProgramInfo;
//!
//! let program = ProgramInfo::parse("//! Step 6: bearer authentication.\n//!\n//! Adds: a 401\n\nfn main() {}");
//! assert_eq!((program.title.as_str(), program.adds.as_str()), ("Step 6: bearer authentication.", "a 401"));
//! ```

use std::path::Path;

/// The header of a source file: a title, a summary, and the paragraphs `Adds`, `Spec`, `Try` and `Env`.
#[derive(Debug, Clone, Default)]
pub struct ProgramInfo {
    /// The name of the binary, such as `step6`; empty outside of the tutorial.
    pub name: String,
    /// The first line, such as `Step 6: bearer authentication.`
    pub title: String,
    /// The sentences below the title.
    pub summary: String,
    /// What this program has that its predecessor has not.
    pub adds: String,
    /// The specifications that apply.
    pub specs: String,
    /// An example command. In the source it is for `http://localhost:9000` and the folder `keys`.
    pub example: String,
    /// The file of settings that is read when `--env` is absent; empty for none.
    pub default_env_file: String,
    /// The source below the header.
    pub code: String,
    /// The program before it in the tutorial: its name and its source below the header.
    pub previous: Option<(String, String)>,
    /// The name of the program after it in the tutorial.
    pub next: Option<String>,
}

/// The [`ProgramInfo`] of the calling program, one of the servers of this tutorial. Elsewhere use [`ProgramInfo::parse`].
///
/// The sources are compiled into the program and not into the library, which would otherwise be compiled again whenever a
/// program changes.
#[macro_export]
macro_rules! program_info {
    () => {
        $crate::program::ProgramInfo::in_tutorial(
            env!("CARGO_BIN_NAME"),
            &[
                ("step1", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step1.rs"))),
                ("step2", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step2.rs"))),
                ("step3", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step3.rs"))),
                ("step4", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step4.rs"))),
                ("step5", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step5.rs"))),
                ("step6", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step6.rs"))),
                ("step7", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step7.rs"))),
                ("step8", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step8.rs"))),
                ("step9", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step9.rs"))),
                ("step10", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/step10.rs"))),
            ],
        )
    };
}

/// The headers of these programs, each as a Markdown document.
#[macro_export]
macro_rules! program_docs {
    [$($program:literal),+ $(,)?] => {
        [$($crate::program::ProgramInfo::parse(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/bin/",
            $program,
            ".rs"
        )))
        .to_markdown()),+]
    };
}

/// The source below the header.
fn code(source: &str) -> String {
    let lines = source.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

impl ProgramInfo {
    /// The program `name` among the `programs` of the tutorial, each a name and a source, in their order.
    ///
    /// # Panics
    /// If it is not among them.
    pub fn in_tutorial(name: &str, programs: &[(&str, &str)]) -> Self {
        let at = programs.iter().position(|(program, _)| *program == name);
        let at = at.unwrap_or_else(|| panic!("{name} is not a program of the tutorial"));
        let previous = at.checked_sub(1).map(|at| programs[at]);
        Self {
            name: name.to_owned(),
            previous: previous.map(|(name, source)| (name.to_owned(), code(source))),
            next: programs.get(at + 1).map(|(name, _)| (*name).to_owned()),
            ..Self::parse(programs[at].1)
        }
    }

    /// Reads the `//!` lines at the top of a source file.
    pub fn parse(source: &str) -> Self {
        let mut program = Self::default();
        let mut lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        program.title = lines.next().unwrap_or_default().to_owned();
        let mut label = "";
        for line in lines {
            let text = match line.split_once(':') {
                Some((word @ ("Adds" | "Spec" | "Try" | "Env"), text)) => {
                    label = word;
                    text.trim()
                }
                _ => line,
            };
            let paragraph = match label {
                "Adds" => &mut program.adds,
                "Spec" => &mut program.specs,
                "Try" => &mut program.example,
                "Env" => &mut program.default_env_file,
                _ => &mut program.summary,
            };
            if !paragraph.is_empty() && !text.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(text);
        }
        program.code = code(source);
        program
    }

    /// The header as a Markdown document.
    pub fn to_markdown(&self) -> String {
        let Self { title, summary, adds, specs, example, .. } = self;
        format!(
            "# {title}\n\n{summary}\n\n- Adds: {adds}\n- Spec: {specs}\n\n```sh\n{example}\n```\n"
        )
    }

    /// The program as it runs: its example is for this URL, and for the key pair in this folder.
    #[must_use]
    pub fn running(mut self, public_url: &str, keys_dir: &Path) -> Self {
        let example = self.example.replace("http://localhost:9000", public_url);
        self.example = example.replace("--bin gen-token --", &gen_token(keys_dir));
        self
    }
}

/// How cargo runs gen-token with the key pair in this folder; its other arguments follow.
pub fn gen_token(keys_dir: &Path) -> String {
    match keys_dir.to_str() {
        Some("keys") => "--bin gen-token --".to_owned(),
        _ => format!("--bin gen-token -- --keys-dir '{}'", keys_dir.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_paragraph_by_paragraph() {
        let program = ProgramInfo::parse(
            "//! Step 0: a title.\n//!\n//! One\n//! two.\n//!\n//! Adds: this\n//!       and that\n//! Spec: RFC 1\n//! Env:  my.env\n//! Try:  curl http://localhost:9000/x\n\nuse axum;\n//! not this\n",
        );
        assert_eq!(program.title, "Step 0: a title.");
        assert_eq!(program.summary, "One two.");
        assert_eq!(program.adds, "this and that");
        assert_eq!(
            (program.specs.as_str(), program.default_env_file.as_str()),
            ("RFC 1", "my.env")
        );
        assert_eq!(program.code, "use axum;\n//! not this\n");
        assert_eq!(
            program.to_markdown(),
            "# Step 0: a title.\n\nOne two.\n\n- Adds: this and that\n- Spec: RFC 1\n\n```sh\ncurl http://localhost:9000/x\n```\n"
        );
    }

    #[test]
    fn the_example_of_a_running_program_is_for_its_url_and_its_keys() {
        let source = "//! A.\n//! Try: curl http://localhost:9000/x $(cargo run --bin gen-token -- --print-token)\n";
        for (url, keys, expected) in [
            (
                "http://localhost:9000",
                "keys",
                "curl http://localhost:9000/x $(cargo run --bin gen-token -- --print-token)",
            ),
            (
                "http://localhost:1",
                "my keys",
                "curl http://localhost:1/x $(cargo run --bin gen-token -- --keys-dir 'my keys' --print-token)",
            ),
        ] {
            let program = ProgramInfo::parse(source).running(url, Path::new(keys));
            assert_eq!(program.example, expected);
            assert!(program.to_markdown().contains(expected));
        }
    }

    #[test]
    fn a_program_of_the_tutorial_knows_its_neighbours() {
        let programs = [("a", "//! A.\n\nfn a() {}"), ("b", "//! B.\n\nfn b() {}")];
        let first = ProgramInfo::in_tutorial("a", &programs);
        assert_eq!((first.previous, first.next.as_deref()), (None, Some("b")));
        let last = ProgramInfo::in_tutorial("b", &programs);
        assert_eq!(last.previous, Some(("a".to_owned(), "fn a() {}\n".to_owned())));
        assert_eq!((last.title.as_str(), last.next), ("B.", None));
    }
}
