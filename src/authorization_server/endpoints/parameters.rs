//! Parameters of a query or a form.
//!
//! Specs: RFC 6749 sections 3.1 and 3.2: a parameter without a value counts as absent, none may be repeated; RFC 8707
//! section 2: only `resource` may be.

use std::collections::HashSet;

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, HeaderValue, header},
};

use super::error::OAuthError;

/// Decoded parameters.
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

    /// Reads the body of a request to the token or revocation endpoint.
    ///
    /// # Errors
    /// `invalid_request` when it is too large, no form, or repeats a parameter.
    pub(super) fn from_form(
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Self, OAuthError> {
        let body = body.map_err(|rejection| {
            OAuthError::invalid_request("the request is too large").with_status(rejection.status())
        })?;
        let is_form = |value: &HeaderValue| {
            let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if !headers.get(header::CONTENT_TYPE).is_some_and(is_form) {
            return Err(OAuthError::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        let form = Self::parse(&body);
        if form.has_duplicates() {
            return Err(OAuthError::invalid_request("a parameter is repeated"));
        }
        Ok(form)
    }

    /// The value, if the parameter is there exactly once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// All values, in their order.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter other than `resource` is repeated.
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
