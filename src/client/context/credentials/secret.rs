//! Secrets: tokens, client secrets, codes, assertions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret. `Debug` shows nothing of it; [`Secret::hint`] shows just enough to tell two secrets apart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value, for the request that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The first characters and an ellipsis.
    pub(crate) fn hint(&self) -> String {
        shorten(&self.0)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// At most eight characters, and never more than a quarter of the whole.
pub(crate) fn shorten(value: &str) -> String {
    let shown = (value.chars().count() / 4).min(8);
    value.chars().take(shown).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_and_a_hint_shows_little() {
        let secret = Secret::from("hunter2-hunter2-hunter2-hunter2-hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.hint(), "hunter2-…");
        assert_eq!(shorten("short"), "s…");
        assert_eq!(shorten("abc"), "…");
    }
}
