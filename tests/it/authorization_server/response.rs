//! Responses of the server, and what tests expect of them.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A complete response.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The parameters of the URL that the browser is redirected to.
    pub(crate) fn redirect(&self, to: &str) -> BTreeMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        let location = self.header("location");
        let (target, query) = location.split_once('?').expect("a response has parameters");
        assert_eq!(target, to);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let value =
            self.text.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.split('"').next().unwrap().to_owned()
    }
}

/// An error of the token endpoint (RFC 6749, 5.2): `invalid_client` is 401, everything else 400.
#[track_caller]
pub(crate) fn rejected(response: &TestResponse, error: &str, what: &str) {
    let status = match error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    assert_eq!(response.status, status, "{what}: {response:?}");
    assert_eq!(response.json()["error"], error, "{what}: {response:?}");
    assert_eq!(response.header("cache-control"), "no-store", "{what}");
}
