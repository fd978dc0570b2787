//! A JSON object whose values are kept as they were written, until some code knows what to read them as.
//!
//! Each name may occur once: a proxy that acts on the first of two and a server that acts on the last would see different
//! calls (RFC 8259 section 4).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapDeserializer},
};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    ErrorObject, Object,
    text::{invalid_unicode, text, without_position},
};

/// No method of MCP has a quarter as many. In so few, a linear search is faster than any map.
pub(super) const MAX_PROPERTIES: usize = 32;

/// The properties of a JSON object: few, and each with a name of its own.
#[derive(Debug, Clone, Default)]
pub struct RawObject(Vec<(Box<str>, Box<RawValue>)>);

impl RawObject {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A property, as it was written.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// A property that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(text)
    }

    /// The whole object as a type.
    ///
    /// # Errors
    /// -32602, with what is missing or wrong.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ErrorObject> {
        let properties = self.0.iter().map(|(name, value)| (&**name, &**value));
        T::deserialize(MapDeserializer::new(properties)).map_err(|error: serde_json::Error| {
            let mut properties = self.0.iter();
            let invalid = properties.find_map(|(name, value)| invalid_unicode(name, value));
            let reason = invalid.filter(|_| !error.is_data());
            let reason = reason.unwrap_or_else(|| without_position(&error));
            ErrorObject::invalid_params(format!("Invalid params: {reason}"))
        })
    }

    pub(super) fn insert<E: de::Error>(
        &mut self,
        name: Box<str>,
        value: Box<RawValue>,
    ) -> Result<(), E> {
        if self.get(&name).is_some() {
            return Err(duplicate_field());
        }
        if self.0.len() == MAX_PROPERTIES {
            return Err(E::custom(format_args!("there are more than {MAX_PROPERTIES} properties")));
        }
        self.0.push((name, value));
        Ok(())
    }
}

pub(super) fn duplicate_field<E: de::Error>() -> E {
    E::custom("duplicate field")
}

impl From<Object> for RawObject {
    fn from(properties: Object) -> Self {
        let write = |value| to_raw_value(&value).expect("a value is serializable");
        Self(properties.into_iter().map(|(name, value)| (name.into(), write(value))).collect())
    }
}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> de::Visitor<'de> for Unique {
            type Value = RawObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<RawObject, A::Error> {
                let mut properties = RawObject::default();
                while let Some((name, value)) = map.next_entry()? {
                    properties.insert(name, value)?;
                }
                Ok(properties)
            }
        }

        reader.deserialize_map(Unique)
    }
}
