//! The members of `params`, each as it was written: text, until somebody knows what to read it as.
//!
//! Every name is there once: a proxy that looks at the first of two and a server that acts on the last would see
//! different calls (RFC 8259, section 4).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapDeserializer},
};
use serde_json::value::{RawValue, to_raw_value};

use super::{ErrorObject, Object};

/// No method of MCP knows a quarter as many. Few are found faster by looking at each than in any map.
const MAX_MEMBERS: usize = 32;

/// The member that every method has, and none reads.
pub(crate) const META: &str = "_meta";

/// The parameters of a method; empty when a message has none. Or the arguments of a prompt, which are as few.
///
/// ```
/// use mcp_auth::jsonrpc::Params;
///
/// let params: Params = serde_json::from_str(r#"{"name":"echo","arguments":{"message":"hi"}}"#).unwrap();
/// assert_eq!(params.text("name").as_deref(), Some("echo"));
/// assert_eq!(params.get("arguments").unwrap().get(), r#"{"message":"hi"}"#);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(Box<str>, Box<RawValue>)>);

impl Params {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
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

    /// All of them but `_meta`, which says how to answer and not what, as a method's own type.
    ///
    /// # Errors
    /// -32602, with what is missing or wrong.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ErrorObject> {
        let own = self.0.iter().filter(|(name, _)| **name != *META);
        let members = own.map(|(name, value)| (&**name, &**value));
        T::deserialize(MapDeserializer::new(members)).map_err(|error| {
            ErrorObject::invalid_params(format!("Invalid params: {}", complaint(&error)))
        })
    }
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
    fn from(members: Object) -> Self {
        let write = |value| to_raw_value(&value).expect("a value is serializable");
        Self(members.into_iter().map(|(name, value)| (name.into(), write(value))).collect())
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> de::Visitor<'de> for Unique {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let mut members = Params::default();
                while let Some((name, value)) = map.next_entry::<Box<str>, _>()? {
                    if members.get(&name).is_some() {
                        return Err(de::Error::custom("a member is given twice"));
                    }
                    if members.0.len() == MAX_MEMBERS {
                        return Err(de::Error::custom(format_args!(
                            "there are more than {MAX_MEMBERS} members"
                        )));
                    }
                    members.0.push((name, value));
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
        let text = r#"{"b":[1.50,"\u00e9"],"a":{ "x":null}}"#;
        let params: Params = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&params).unwrap(), text);
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&Params::from(object)).unwrap(),
            r#"{"b":[1.5,"é"],"a":{"x":null}}"#
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
        assert!(serde_json::from_str::<Params>(r#"{"a":1,"\u0061":2}"#).is_err());
    }
}
