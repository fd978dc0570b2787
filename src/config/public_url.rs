//! The URL at which clients reach the server.

use std::{fmt, str::FromStr};

use url::Url;

/// Such as `http://localhost:9000` or `https://gw.example.com/team-a`: as it was written, without a trailing slash.
///
/// A string, because the identifiers that start with it are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    pub(super) fn localhost(port: u16) -> Self {
        Self(format!("http://localhost:{port}"))
    }

    /// The URL of a path on this server.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `""`, or a path such as `/team-a`.
    pub fn path(&self) -> &str {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        self.0[authority..].find('/').map_or("", |at| &self.0[authority + at..])
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        self.0.strip_suffix(self.path()).unwrap_or(&self.0)
    }

    pub(super) fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("checked when it was parsed")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Self(text.trim().trim_end_matches('/').to_owned());
        let parsed = Url::parse(&url.0).map_err(|error| format!("not a URL ({error})"))?;
        let plain = parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        // The path becomes a route: no escapes, and nothing that axum takes for a parameter.
        let simple = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let path = parsed.path().trim_end_matches('/') == url.path()
            && !url.path().contains("//")
            && url.path().chars().all(simple);
        if matches!(parsed.scheme(), "http" | "https") && plain && path {
            Ok(url)
        } else {
            Err("give scheme, host, port and path only, for example https://mcp.example.com"
                .to_owned())
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_kept_as_it_was_written() {
        for (text, expected) in [
            ("http://localhost:9000", Some(("http://localhost:9000", ""))),
            ("https://mcp.example.com/ ", Some(("https://mcp.example.com", ""))),
            ("https://gw.example.com/team-a/", Some(("https://gw.example.com", "/team-a"))),
            ("https://gw.example.com/a/b", Some(("https://gw.example.com", "/a/b"))),
            ("https://gw.example.com/a/../b", None),
            ("https://gw.example.com//b", None),
            ("https://gw.example.com/{a}", None),
            ("https://gw.example.com/%61", None),
            ("https://mcp.example.com/?x=1", None),
            ("https://user@mcp.example.com", None),
            ("ftp://mcp.example.com", None),
            ("mcp.example.com", None),
        ] {
            let url = text.parse::<PublicUrl>().ok();
            let parts = url.as_ref().map(|url| (url.origin(), url.path()));
            assert_eq!(parts, expected, "{text}");
        }
    }
}
