//! The id of a request, which its response repeats.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

/// The id of a request: a string or an integer, kept exactly as it was written.
///
/// Numbers are not read into a machine type: `2^70` is a legal id and must come back unchanged.
#[derive(Clone)]
pub struct Id(Box<RawValue>);

impl Id {
    fn parse(raw: Box<RawValue>) -> Result<Self, &'static str> {
        let text = raw.get();
        if text.starts_with('"') {
            // A lone surrogate can be skipped, but not repeated.
            return match serde_json::from_str::<String>(text) {
                Ok(_) => Ok(Self(raw)),
                Err(_) => {
                    Err("id is not valid Unicode text: it contains an unpaired surrogate escape")
                }
            };
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if is_integer { Ok(Self(raw)) } else { Err("id must be a string or an integer") }
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(RawValue::from_string(number.to_string()).expect("an integer is JSON"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Id::parse(Box::<RawValue>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
