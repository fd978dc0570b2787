//! The parser of `WWW-Authenticate`, for clients.
//!
//! Specs: RFC 9110 sections 5.6.2 (`token`), 5.6.4 (`quoted-string`), 11.2 (parameters) and 11.6.1.

use std::collections::HashSet;

use super::Challenge;

impl Challenge {
    /// Parses one `WWW-Authenticate` value, which may hold several challenges, in linear time.
    ///
    /// # Errors
    /// At which byte the value violates the grammar of RFC 9110, 11.6.1, or which parameter is given twice.
    pub fn parse_all(header: &str) -> Result<Vec<Self>, ChallengeError> {
        let mut parser = Parser { text: header, at: 0 };
        let mut challenges: Vec<Self> = Vec::new();
        // Names of the current challenge, in lower case. A set, because a header may have thousands of parameters.
        let mut names = HashSet::new();
        loop {
            while parser.eat(|c| matches!(c, ',' | ' ' | '\t')) {}
            if parser.rest().is_empty() {
                return Ok(challenges);
            }
            let word = parser.token()?;
            parser.skip_whitespace();
            // A token before `=` is a parameter of the current challenge; any other token is the next scheme.
            let continues = parser.rest().starts_with('=') && !challenges.is_empty();
            let name = if continues {
                word
            } else {
                challenges.push(Self { scheme: word.to_owned(), params: Vec::new() });
                names.clear();
                if parser.token68() || parser.rest().is_empty() || parser.rest().starts_with(',') {
                    continue;
                }
                parser.token()?
            };
            parser.skip_whitespace();
            parser.expect('=')?;
            parser.skip_whitespace();
            let value = if parser.rest().starts_with('"') {
                parser.quoted()?
            } else {
                parser.token()?.to_owned()
            };
            let challenge = challenges.last_mut().expect("a parameter belongs to a challenge");
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(ChallengeError::Duplicate(name.to_owned()));
            }
            challenge.params.push((name.to_owned(), value));
            parser.skip_whitespace();
            if !parser.rest().is_empty() {
                parser.expect(',')?;
            }
        }
    }
}

/// Why a `WWW-Authenticate` header could not be parsed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChallengeError {
    /// A violation of the grammar at this byte.
    #[error("the WWW-Authenticate header is malformed at byte {0}")]
    Malformed(usize),
    /// A parameter is given twice in one challenge, which RFC 9110, 11.2 forbids.
    #[error("the WWW-Authenticate header gives the parameter `{0}` twice")]
    Duplicate(String),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let found = self.rest().chars().next().filter(|&c| wanted(c));
        self.at += found.map_or(0, char::len_utf8);
        found.is_some()
    }

    fn skip_whitespace(&mut self) {
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
        self.skip_whitespace();
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
    use crate::{auth::metadata::ProtectedResource, principal::ScopeSet};

    #[test]
    fn a_written_challenge_is_parsed_back() {
        let challenge = Challenge::bearer("mcp-server")
            .for_resource(&ProtectedResource::new("http://localhost:9000/mcp"))
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
    fn several_challenges_in_any_spelling_are_distinguished() {
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
    fn malformed_headers_are_rejected() {
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

    #[test]
    fn a_header_of_many_parameters_is_parsed_in_linear_time() {
        // 60,000 parameters: comparing each with all others took minutes.
        let params: Vec<_> = (0..60_000).map(|number| format!("p{number}=1")).collect();
        let challenges = Challenge::parse_all(&format!("Bearer {}", params.join(","))).unwrap();
        assert_eq!(challenges[0].params.len(), 60_000);
        let schemes = "Negotiate, ".repeat(60_000);
        assert_eq!(Challenge::parse_all(&schemes).unwrap().len(), 60_000);
    }
}
