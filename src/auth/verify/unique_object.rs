//! A JSON object without duplicate names: of two `aud` claims, each parser may pick another one.
//!
//! Specs: RFC 7515 section 4 (header) and RFC 7519 section 4 (claims) let a parser reject duplicates.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// A JOSE header or a JWT claims set.
#[derive(Debug, Default)]
pub(super) struct UniqueObject(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> de::Visitor<'de> for UniqueVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without duplicate names")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = fields.next_entry::<String, Value>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("duplicate field"));
            }
        }
        Ok(object)
    }
}
