//! Types of settings that are not simply text or numbers.

use std::{ffi::OsStr, str::FromStr, time::Duration};

use clap::{
    Arg, Command,
    builder::{StringValueParser, TypedValueParser},
};
use secrecy::SecretString;
use url::Url;

use super::public_url::PublicUrl;
use crate::auth::identity_provider::IdentityProvider;

/// Parses the value of an argument that may contain a secret. Its errors name the argument and what is wrong, but not
/// the value, which clap's own would show.
#[derive(Clone)]
pub(super) struct Sensitive<T> {
    parse: fn(&str) -> Result<T, String>,
    is_sensitive: fn(&str) -> bool,
}

impl Sensitive<SecretString> {
    /// A secret that cannot be guessed.
    pub(super) const LONG_SECRET: Self = Self { parse: min_length_secret, is_sensitive: |_| true };
}

impl Sensitive<HttpUrl> {
    /// A URL; an invalid one may contain a password.
    pub(super) const URL: Self = Self { parse: HttpUrl::from_str, is_sensitive: has_userinfo };
}

impl Sensitive<Issuer> {
    /// The same for an issuer identifier.
    pub(super) const ISSUER: Self = Self { parse: Issuer::from_str, is_sensitive: has_userinfo };
}

impl Sensitive<PublicUrl> {
    /// The same for the public URL.
    pub(super) const PUBLIC_URL: Self =
        Self { parse: PublicUrl::from_str, is_sensitive: has_userinfo };
}

fn has_userinfo(url: &str) -> bool {
    url.contains('@')
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Sensitive<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let parse = self.parse;
        let standard = StringValueParser::new().try_map(move |text| parse(&text));
        standard.parse_ref(command, argument, value).map_err(|error| {
            let Some(Err(reason)) =
                value.to_str().filter(|text| (self.is_sensitive)(text)).map(self.parse)
            else {
                return error;
            };
            let name = argument.map(ToString::to_string).unwrap_or_default();
            clap::Error::raw(error.kind(), format!("invalid value for '{name}': {reason}\n"))
                .with_cmd(command)
        })
    }
}

fn min_length_secret(text: &str) -> Result<SecretString, String> {
    if text.len() < 32 {
        return Err(
            "give 32 characters or more, for example from: openssl rand -base64 32".to_owned()
        );
    }
    Ok(text.into())
}

/// An issuer identifier, as the provider that it names. Nothing is fetched yet.
#[derive(Debug, Clone)]
pub(super) struct Issuer(IdentityProvider);

impl Issuer {
    pub(super) fn into_provider(self) -> IdentityProvider {
        self.0
    }
}

impl FromStr for Issuer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        IdentityProvider::new(text, false).map(Self).map_err(|error| error.to_string())
    }
}

/// A URL as it was written, because issuers are compared byte for byte.
#[derive(Debug, Clone)]
pub(super) struct HttpUrl(String);

impl HttpUrl {
    pub(super) fn into_string(self) -> String {
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
pub(super) fn non_empty(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an item of the list is empty".to_owned()),
        item => Ok(item.to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("give whole seconds, 1 to 86400".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    #[test]
    fn no_error_shows_a_secret() {
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
        let cli = read(&format!("MCP_SIGNING_SECRET={}\n", "hush".repeat(8)), &[]).unwrap();
        assert!(!format!("{cli:?}").contains("hush"));
    }
}
