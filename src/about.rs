//! What a program says of itself: read from the header of its own source, so that the two cannot differ.
//!
//! ```
//! use mcp_auth::about::About;
//!
//! let about = About::parse("//! Step 6: no token, no entry.\n//!\n//! Adds: the wall\n\nfn main() {}");
//! assert_eq!((about.title.as_str(), about.adds.as_str()), ("Step 6: no token, no entry.", "the wall"));
//! ```

/// The header of a source file: a title, and the paragraphs `Adds`, `Spec`, `Try` and, rarely, `Env`.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The first line, such as `Step 6: no token, no entry.`
    pub title: String,
    /// The sentences below the title.
    pub summary: String,
    /// What is new here.
    pub adds: String,
    /// The texts that rule it.
    pub spec: String,
    /// A command to try, for `http://localhost:9000`.
    pub try_it: String,
    /// The file of settings that is read when no other is named.
    pub env: String,
}

/// The [`About`] of the file that is being compiled.
#[macro_export]
macro_rules! about {
    () => {
        $crate::about::About::parse(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/bin/",
            env!("CARGO_BIN_NAME"),
            ".rs"
        )))
    };
}

/// The headers of these programs, each as a page of Markdown.
#[macro_export]
macro_rules! chapters {
    [$($program:literal),+ $(,)?] => {
        [$($crate::about::About::parse(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/bin/",
            $program,
            ".rs"
        )))
        .to_markdown()),+]
    };
}

impl About {
    /// Reads the `//!` lines at the top of a source file.
    pub fn parse(source: &str) -> Self {
        let mut about = Self::default();
        let mut lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        about.title = lines.next().unwrap_or_default().to_owned();
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
                "Adds" => &mut about.adds,
                "Spec" => &mut about.spec,
                "Try" => &mut about.try_it,
                "Env" => &mut about.env,
                _ => &mut about.summary,
            };
            if !paragraph.is_empty() && !text.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(text);
        }
        about
    }

    /// The header as a page of Markdown.
    pub fn to_markdown(&self) -> String {
        let Self { title, summary, adds, spec, try_it, .. } = self;
        format!(
            "# {title}\n\n{summary}\n\n- Adds: {adds}\n- Spec: {spec}\n\n```sh\n{try_it}\n```\n"
        )
    }

    /// The command to try, for the URL at which the server really is.
    pub fn try_at(&self, public_url: &str) -> String {
        self.try_it.replace("http://localhost:9000", public_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_paragraph_by_paragraph() {
        let about = About::parse(
            "//! Step 0: a title.\n//!\n//! One\n//! two.\n//!\n//! Adds: this\n//!       and that\n//! Spec: RFC 1\n//! Env:  my.env\n//! Try:  curl http://localhost:9000/x\n\nuse axum;\n//! not this\n",
        );
        assert_eq!(about.title, "Step 0: a title.");
        assert_eq!(about.summary, "One two.");
        assert_eq!(about.adds, "this and that");
        assert_eq!((about.spec.as_str(), about.env.as_str()), ("RFC 1", "my.env"));
        assert_eq!(about.try_at("http://localhost:1"), "curl http://localhost:1/x");
        assert_eq!(
            about.to_markdown(),
            "# Step 0: a title.\n\nOne two.\n\n- Adds: this and that\n- Spec: RFC 1\n\n```sh\ncurl http://localhost:9000/x\n```\n"
        );
    }
}
