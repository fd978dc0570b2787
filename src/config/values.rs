//! Values of settings that must be more than text.

use std::{fmt, str::FromStr};

use url::Url;

/// Something that must not be shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A secret that nobody can find by trying.
pub(super) fn long_secret(text: &str) -> Result<Secret, String> {
    if text.len() < 32 {
        return Err(
            "give 32 characters or more, for example from: openssl rand -base64 32".to_owned()
        );
    }
    Ok(Secret(text.to_owned()))
}

/// A URL as it was written, because issuers are compared byte for byte.
#[derive(Debug, Clone)]
pub(super) struct HttpUrl(String);

impl HttpUrl {
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|error| format!("not a URL ({error})"))?;
        let plain =
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err("give an http or https URL, for example http://localhost:8080".to_owned())
        }
    }
}

/// An item of a list.
pub(super) fn word(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an item of the list is empty".to_owned()),
        word => Ok(word.to_owned()),
    }
}
