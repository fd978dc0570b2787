//! `WWW-Authenticate`: how a server says what it wants, and how a client reads it.
//!
//! Rules: RFC 9110 section 11.6.1 (the header's grammar), RFC 6750 section 3 (Bearer and its errors), RFC 9728
//! section 5.1 (`resource_metadata`), MCP 2025-11-25 authorization, "Protected Resource Metadata Discovery
//! Requirements" and "Scope Challenge Handling".

use std::fmt;

use crate::principal::ScopeSet;

/// One challenge: a scheme and its parameters, in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// `Bearer realm="…"`: a token, please.
    pub fn bearer(realm: &str) -> Self {
        Self { scheme: "Bearer".to_owned(), params: Vec::new() }.with("realm", realm)
    }

    /// Where the protected resource's metadata is (RFC 9728, 5.1).
    pub fn resource_metadata(self, url: impl AsRef<str>) -> Self {
        self.with("resource_metadata", url.as_ref())
    }

    /// All scopes of this resource. A partial list would bind clients that register with it to too little.
    pub fn scopes(self, scopes: &ScopeSet) -> Self {
        self.with("scope", &scopes.to_string())
    }

    /// Why what was sent is not enough (RFC 6750, 3.1). Not for requests that carried no credentials at all.
    pub fn error(self, code: &str, description: &str) -> Self {
        self.with("error", code).with("error_description", description)
    }

    /// The parameter `name` set to `value`, in place of an earlier one.
    fn with(mut self, name: &str, value: &str) -> Self {
        match self.params.iter_mut().find(|(n, _)| n == name) {
            Some(param) => param.1 = value.to_owned(),
            None => self.params.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The scheme as it was written; compare without regard to case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of a parameter; names are compared without regard to case (RFC 9110, 11.2).
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Reads one `WWW-Authenticate` value, which may hold several challenges.
    ///
    /// # Errors
    /// Says at which character the grammar of RFC 9110, 11.6.1 was left, or which parameter came twice.
    pub fn parse_all(header: &str) -> Result<Vec<Self>, ChallengeError> {
        let mut reader = Reader { text: header, at: 0 };
        let mut challenges: Vec<Self> = Vec::new();
        loop {
            while reader.eat(|c| matches!(c, ',' | ' ' | '\t')) {}
            if reader.rest().is_empty() {
                return Ok(challenges);
            }
            let word = reader.token()?;
            reader.blanks();
            // A word before `=` continues the challenge that we are in; any other word opens a new one.
            let continues = reader.rest().starts_with('=') && !challenges.is_empty();
            let name = if continues {
                word
            } else {
                challenges.push(Self { scheme: word.to_owned(), params: Vec::new() });
                if reader.token68() || reader.rest().is_empty() || reader.rest().starts_with(',') {
                    continue;
                }
                reader.token()?
            };
            reader.blanks();
            reader.expect('=')?;
            reader.blanks();
            let value = if reader.rest().starts_with('"') {
                reader.quoted()?
            } else {
                reader.token()?.to_owned()
            };
            let challenge = challenges.last_mut().expect("a parameter belongs to a challenge");
            if challenge.param(name).is_some() {
                return Err(ChallengeError::Duplicate(name.to_owned()));
            }
            challenge.params.push((name.to_owned(), value));
            reader.blanks();
            if !reader.rest().is_empty() {
                reader.expect(',')?;
            }
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (index, (name, value)) in self.params.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(
                f,
                "{separator}{name}=\"{}\"",
                value.replace('\\', "\\\\").replace('"', "\\\"")
            )?;
        }
        Ok(())
    }
}

/// Why a `WWW-Authenticate` header could not be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChallengeError {
    /// The grammar was left at this character.
    #[error("the WWW-Authenticate header is malformed at character {0}")]
    Malformed(usize),
    /// A parameter came twice in one challenge (RFC 9110, 11.2 forbids it).
    #[error("the WWW-Authenticate header gives the parameter `{0}` twice")]
    Duplicate(String),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let found = self.rest().chars().next().filter(|&c| wanted(c));
        self.at += found.map_or(0, char::len_utf8);
        found.is_some()
    }

    fn blanks(&mut self) {
        while self.eat(|c| matches!(c, ' ' | '\t')) {}
    }

    fn expect(&mut self, wanted: char) -> Result<(), ChallengeError> {
        if self.eat(|c| c == wanted) { Ok(()) } else { Err(ChallengeError::Malformed(self.at)) }
    }

    /// `token` of RFC 9110, 5.6.2.
    fn token(&mut self) -> Result<&'a str, ChallengeError> {
        let start = self.at;
        while self.eat(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {}
        if self.at == start {
            Err(ChallengeError::Malformed(start))
        } else {
            Ok(&self.text[start..self.at])
        }
    }

    /// Skips the `token68` form of credentials (`Negotiate abc=`); leaves parameters alone.
    fn token68(&mut self) -> bool {
        let start = self.at;
        while self.eat(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c)) {}
        while self.eat(|c| c == '=') {}
        let end = self.at;
        self.blanks();
        if end > start && (self.rest().is_empty() || self.rest().starts_with(',')) {
            return true;
        }
        self.at = start;
        false
    }

    /// `quoted-string` of RFC 9110, 5.6.4.
    fn quoted(&mut self) -> Result<String, ChallengeError> {
        self.expect('"')?;
        let mut value = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 1;
                    return Ok(value);
                }
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        Err(ChallengeError::Malformed(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_back() {
        let challenge = Challenge::bearer("mcp-server")
            .resource_metadata("http://localhost:9000/.well-known/oauth-protected-resource/mcp")
            .scopes(&ScopeSet::parse("mcp:read mcp:tools"))
            .error("invalid_token", r#"a "quoted" \ word"#);
        let text = challenge.to_string();
        assert!(
            text.starts_with(r#"Bearer realm="mcp-server", resource_metadata="http:"#),
            "{text}"
        );
        assert_eq!(Challenge::parse_all(&text), Ok(vec![challenge]));
    }

    #[test]
    fn several_challenges_in_any_spelling_are_told_apart() {
        let header = r#"Basic realm="a, b", Negotiate, NTLM dGVzdA==, bearer  scope = "x y" ,ERROR=invalid_token,"#;
        let challenges = Challenge::parse_all(header).unwrap();
        let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Basic", "Negotiate", "NTLM", "bearer"]);
        assert_eq!(challenges[0].param("realm"), Some("a, b"));
        assert_eq!(challenges[3].param("Scope"), Some("x y"));
        assert_eq!(challenges[3].param("error"), Some("invalid_token"));
        assert_eq!(Challenge::parse_all(""), Ok(vec![]));
    }

    #[test]
    fn broken_headers_are_refused() {
        for header in [
            r#"Bearer scope="open"#,
            r#"Bearer a="1" b="2""#,
            "Bearer =x",
            r#"Bearer a=1, A=2"#,
            "Bearer ü=1",
            "@",
        ] {
            assert!(Challenge::parse_all(header).is_err(), "{header}");
        }
    }
}
