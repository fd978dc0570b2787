//! The members of `params`, each of which is there once: a proxy that looks at the first of two names and a server that
//! acts on the last would see different calls (RFC 8259, section 4).

use std::fmt;

use serde::{Deserializer, de};

use super::Object;

/// Reads `params`; `null` is none.
pub(super) fn unique<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Object>, D::Error> {
    reader.deserialize_option(Unique)
}

struct Unique;

impl<'de> de::Visitor<'de> for Unique {
    type Value = Option<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = members.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a member of params is given twice"));
            }
        }
        Ok(Some(object))
    }
}
