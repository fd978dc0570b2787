//! Arguments that several tools have.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NoArguments {}

/// A number in a range. Models also write `"3"` and `3.0`, which the original tutorial accepts.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(
    name: &str,
    range: RangeInclusive<u8>,
    deserializer: D,
) -> Result<u8, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
        Boolean(bool),
    }

    let number = match Written::deserialize(deserializer) {
        Ok(Written::Number(number)) => Some(number),
        Ok(Written::Text(text)) => text.parse().ok(),
        Ok(Written::Boolean(boolean)) => Some(f64::from(u8::from(boolean))),
        Err(_) => None,
    };
    range.clone().find(|&n| Some(f64::from(n)) == number).ok_or_else(|| {
        let (from, to) = range.into_inner();
        de::Error::custom(format!("{name} must be a whole number from {from} to {to}"))
    })
}
