//! The members of `params`, each as it was written: text, until somebody knows what to read it as.
//!
//! Every name is there once: a proxy that looks at the first of two and a server that acts on the last would see
//! different calls (RFC 8259, section 4). `_meta` stands apart, in every revision of MCP ("General fields"): it says how
//! to answer and not what, so no method reads it.

use std::{borrow::Cow, fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapDeserializer},
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::{ErrorObject, Object};

/// No method of MCP knows a quarter as many. Few are found faster by looking at each than in any map.
const MAX_MEMBERS: usize = 32;

/// The member that every method has, and none reads.
pub(crate) const META: &str = "_meta";

/// The parameters of a method; empty when a message has none. They are used as the [`Members`] that the method knows.
///
/// ```
/// use mcp_auth::jsonrpc::Params;
///
/// let text = r#"{"name":"echo","arguments":{"message":"hi"},"_meta":{"progressToken":7}}"#;
/// let params: Params = serde_json::from_str(text).unwrap();
/// assert_eq!(params.text("name").as_deref(), Some("echo"));
/// assert_eq!(params.get("arguments").unwrap().get(), r#"{"message":"hi"}"#);
/// assert_eq!(params.meta.get("progressToken").unwrap().get(), "7");
/// ```
#[derive(Debug, Clone, Default, Serialize)]
pub struct Params {
    #[serde(flatten)]
    own: Members,
    /// What the message says of itself in `_meta`; empty when it says nothing.
    #[serde(rename = "_meta", skip_serializing_if = "Members::is_empty")]
    pub meta: Members,
}

impl Params {
    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.meta.is_empty()
    }
}

impl Deref for Params {
    type Target = Members;

    fn deref(&self) -> &Members {
        &self.own
    }
}

/// The members of an object, few of them and each with a name of its own.
#[derive(Debug, Clone, Default)]
pub struct Members(Vec<(Box<str>, Box<RawValue>)>);

impl Members {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A member, as it was written.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// A member that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(text)
    }

    /// All of them, as a method's own type.
    ///
    /// # Errors
    /// -32602, with what is missing or wrong.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ErrorObject> {
        let members = self.0.iter().map(|(name, value)| (&**name, &**value));
        T::deserialize(MapDeserializer::new(members)).map_err(|error| {
            ErrorObject::invalid_params(format!("Invalid params: {}", complaint(&error)))
        })
    }

    fn add<E: de::Error>(&mut self, name: Box<str>, value: Box<RawValue>) -> Result<(), E> {
        if self.get(&name).is_some() {
            return Err(twice());
        }
        if self.0.len() == MAX_MEMBERS {
            return Err(E::custom(format_args!("there are more than {MAX_MEMBERS} members")));
        }
        self.0.push((name, value));
        Ok(())
    }
}

fn twice<E: de::Error>() -> E {
    E::custom("a member is given twice")
}

/// A string, copied only if it was written with escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The string that a JSON text is, if it is one.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if quoted.contains('\\') {
        return serde_json::from_str(value.get()).ok().map(|Text(text)| text);
    }
    // It is known to be JSON, so between the quotes is the string itself.
    Some(Cow::Borrowed(quoted))
}

/// What is wrong, without the place: it would be counted within a member, which helps nobody.
pub(crate) fn complaint(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ").filter(|_| error.line() > 0) {
        text.truncate(end);
    }
    text
}

impl From<Object> for Params {
    fn from(mut members: Object) -> Self {
        let meta = match members.shift_remove(META) {
            Some(Value::Object(meta)) => meta,
            _ => Object::new(),
        };
        Self { own: members.into(), meta: meta.into() }
    }
}

impl From<Object> for Members {
    fn from(members: Object) -> Self {
        let write = |value| to_raw_value(&value).expect("a value is serializable");
        Self(members.into_iter().map(|(name, value)| (name.into(), write(value))).collect())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct WithMeta;

        impl<'de> de::Visitor<'de> for WithMeta {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let (mut own, mut meta) = (Members::default(), None);
                while let Some(name) = map.next_key::<Box<str>>()? {
                    if *name != *META {
                        own.add(name, map.next_value()?)?;
                    } else if meta.replace(map.next_value::<Option<Members>>()?).is_some() {
                        return Err(twice());
                    }
                }
                Ok(Params { own, meta: meta.flatten().unwrap_or_default() })
            }
        }

        reader.deserialize_map(WithMeta)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> de::Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = map.next_entry()? {
                    members.add(name, value)?;
                }
                Ok(members)
            }
        }

        reader.deserialize_map(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }

    #[test]
    fn members_are_read_when_somebody_knows_as_what() {
        for (params, expected) in [
            (r#"{"name":"echo","other":1e999}"#, Ok("echo")),
            (r#"{"name":"\u00e9"}"#, Ok("\u{e9}")),
            (r#"{"name":7}"#, Err("Invalid params: invalid type: integer `7`, expected a string")),
            (r#"{"name":"\ud800"}"#, Err("Invalid params: unexpected end of hex escape")),
            ("{}", Err("Invalid params: missing field `name`")),
        ] {
            let params: Params = serde_json::from_str(params).unwrap();
            let name = params.read().map(|Named { name }| name.into_owned());
            let name = name.as_deref().map_err(|error| error.message.as_str());
            assert_eq!(name, expected, "{params:?}");
            assert_eq!(params.text("name").as_deref(), expected.ok(), "{params:?}");
        }
    }

    #[test]
    fn members_are_written_as_they_came() {
        let text = r#"{"b":[1.50,"\u00e9"],"a":{ "x":null},"_meta":{"c":1.0}}"#;
        let params: Params = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&params).unwrap(), text);
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&Params::from(object)).unwrap(),
            r#"{"b":[1.5,"é"],"a":{"x":null},"_meta":{"c":1.0}}"#
        );
    }

    #[test]
    fn there_are_few_members_and_each_is_there_once() {
        let read = |members: usize| {
            let members: Vec<_> = (0..members).map(|number| format!(r#""{number}":1"#)).collect();
            serde_json::from_str::<Params>(&format!("{{{}}}", members.join(",")))
        };
        assert!(read(MAX_MEMBERS).is_ok());
        assert!(read(MAX_MEMBERS + 1).is_err());
        for twice in [
            r#"{"a":1,"\u0061":2}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":null,"_meta":{}}"#,
            r#"{"_meta":{"a":1,"a":1}}"#,
        ] {
            let error = serde_json::from_str::<Params>(twice).unwrap_err().to_string();
            assert!(error.starts_with("a member is given twice"), "{twice}: {error}");
        }
        for nothing in ["{}", r#"{"_meta":null}"#, r#"{"_meta":{}}"#] {
            assert!(serde_json::from_str::<Params>(nothing).unwrap().is_empty(), "{nothing}");
        }
        assert!(serde_json::from_str::<Params>(r#"{"_meta":[]}"#).is_err());
    }
}
