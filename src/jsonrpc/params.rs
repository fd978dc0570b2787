//! `params` of a request or notification: the parameters of the method, and `_meta` apart from them.
//!
//! Specs: MCP basic, "_meta", in every revision: it belongs to the protocol, so no method reads it.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{
    Object,
    raw_object::{RawObject, duplicate_field},
};

/// The parameter that every method has.
pub(crate) const META: &str = "_meta";

/// The parameters of a method; empty when a message has none. It dereferences to the [`RawObject`] without `_meta`.
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
    own: RawObject,
    /// `_meta`; empty when there is none.
    #[serde(rename = "_meta", skip_serializing_if = "RawObject::is_empty")]
    pub meta: RawObject,
}

impl Params {
    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.meta.is_empty()
    }
}

impl Deref for Params {
    type Target = RawObject;

    fn deref(&self) -> &RawObject {
        &self.own
    }
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

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct WithMeta;

        impl<'de> de::Visitor<'de> for WithMeta {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let (mut own, mut meta) = (RawObject::default(), None);
                while let Some(name) = map.next_key::<Box<str>>()? {
                    if *name != *META {
                        own.insert(name, map.next_value()?)?;
                    } else if meta.replace(map.next_value::<Option<RawObject>>()?).is_some() {
                        return Err(duplicate_field());
                    }
                }
                Ok(Params { own, meta: meta.flatten().unwrap_or_default() })
            }
        }

        reader.deserialize_map(WithMeta)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{super::raw_object::MAX_PROPERTIES, *};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }

    #[test]
    fn params_are_read_as_the_type_of_a_method() {
        for (params, expected) in [
            (r#"{"name":"echo","other":1e999}"#, Ok("echo")),
            (r#"{"name":"\u00e9"}"#, Ok("\u{e9}")),
            (r#"{"name":7}"#, Err("Invalid params: invalid type: integer `7`, expected a string")),
            (
                r#"{"name":"\ud800"}"#,
                Err(
                    "Invalid params: name is not valid Unicode text: it contains an unpaired surrogate escape",
                ),
            ),
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
    fn params_are_written_as_they_were_read() {
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
    fn params_are_few_and_each_is_given_once() {
        let read = |members: usize| {
            let members: Vec<_> = (0..members).map(|number| format!(r#""{number}":1"#)).collect();
            serde_json::from_str::<Params>(&format!("{{{}}}", members.join(",")))
        };
        assert!(read(MAX_PROPERTIES).is_ok());
        assert!(read(MAX_PROPERTIES + 1).is_err());
        for twice in [
            r#"{"a":1,"\u0061":2}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":null,"_meta":{}}"#,
            r#"{"_meta":{"a":1,"a":1}}"#,
        ] {
            let error = serde_json::from_str::<Params>(twice).unwrap_err().to_string();
            assert!(error.starts_with("duplicate field"), "{twice}: {error}");
        }
        for nothing in ["{}", r#"{"_meta":null}"#, r#"{"_meta":{}}"#] {
            assert!(serde_json::from_str::<Params>(nothing).unwrap().is_empty(), "{nothing}");
        }
        assert!(serde_json::from_str::<Params>(r#"{"_meta":[]}"#).is_err());
    }
}
