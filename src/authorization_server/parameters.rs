//! Parameters of a query or a form, each at most once.
//!
//! Rules: RFC 6749 sections 3.1 and 3.2: a parameter without a value counts as absent, none may come twice;
//! RFC 8707 section 2: `resource` alone may be repeated.

use std::collections::HashSet;

/// What a request carries, decoded.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(
            url::form_urlencoded::parse(text)
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The value, if it is there exactly once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// All values, in their order.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether any parameter but those that may be repeated comes twice.
    pub(super) fn has_duplicates(&self) -> bool {
        let mut seen = HashSet::new();
        self.0.iter().any(|(name, _)| name != "resource" && !seen.insert(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_has_no_value_and_an_empty_one_is_absent() {
        let parameters = Parameters::parse(b"a=1&b=x+y&a=2&c=&resource=r&resource=s");
        assert_eq!(parameters.one("a"), None);
        assert_eq!(parameters.one("b"), Some("x y"));
        assert_eq!(parameters.one("c"), None);
        assert!(parameters.has_duplicates());
        assert!(!Parameters::parse(b"resource=r&resource=s&c=&c=").has_duplicates());
    }
}
