//! Values of settings that must be more than text.

use std::{ffi::OsStr, fmt, str::FromStr};

use clap::{
    Arg, Command,
    builder::{StringValueParser, TypedValueParser},
};
use url::Url;

use super::PublicUrl;

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
fn long_secret(text: &str) -> Result<Secret, String> {
    if text.len() < 32 {
        return Err(
            "give 32 characters or more, for example from: openssl rand -base64 32".to_owned()
        );
    }
    Ok(Secret(text.to_owned()))
}

/// Reads the value of an argument that may hold a secret. An error names the argument and the rule; clap's own would
/// show the value, too.
#[derive(Clone)]
pub(super) struct Discreet<T> {
    read: fn(&str) -> Result<T, String>,
    hides: fn(&str) -> bool,
}

impl Discreet<Secret> {
    /// A secret that is judged.
    pub(super) const LONG_SECRET: Self = Self { read: long_secret, hides: |_| true };
}

impl Discreet<HttpUrl> {
    /// A URL; one that is refused may hold a password.
    pub(super) const URL: Self = Self { read: HttpUrl::from_str, hides: |text| text.contains('@') };
}

impl Discreet<PublicUrl> {
    /// The same for our own.
    pub(super) const PUBLIC_URL: Self =
        Self { read: PublicUrl::from_str, hides: |text| text.contains('@') };
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Discreet<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let read = self.read;
        let standard = StringValueParser::new().try_map(move |text| read(&text));
        standard.parse_ref(command, argument, value).map_err(|error| {
            let Some(Err(why)) = value.to_str().filter(|text| (self.hides)(text)).map(self.read)
            else {
                return error;
            };
            let name = argument.map(ToString::to_string).unwrap_or_default();
            clap::Error::raw(error.kind(), format!("invalid value for '{name}': {why}\n"))
                .with_cmd(command)
        })
    }
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::{config::Cli, program::ProgramInfo};

    #[test]
    fn no_error_shows_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.env");
        let read = |lines: &str, more: &[&str]| {
            std::fs::write(&path, lines).unwrap();
            let arguments = ["server", "--env", path.to_str().unwrap()];
            let arguments = arguments.iter().chain(more).map(OsString::from).collect();
            Cli::parse_from(&ProgramInfo::default(), arguments).map_err(|error| error.to_string())
        };
        for (name, variable, argument, value) in [
            ("a short key", "MCP_SIGNING_SECRET", "--signing-secret", "hush-hush"),
            ("a password", "INTROSPECTION_URL", "--introspection-url", "https://me:hush@h"),
            ("a password alone", "JWKS_URL", "--jwks-url", "https://:hush@h"),
            ("a password for us", "MCP_SERVER_URL", "--public-url", "http://:hush@h"),
        ] {
            for message in [
                read(&format!("{variable}={value}\n"), &[]),
                read("", &[&format!("{argument}={value}")]),
            ] {
                let message = message.unwrap_err();
                let named = format!("invalid value for '{argument} <");
                assert!(message.contains(&named) && !message.contains("hush"), "{name}: {message}");
            }
        }
        let settings = read(&format!("MCP_SIGNING_SECRET={}\n", "hush".repeat(8)), &[]).unwrap();
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
