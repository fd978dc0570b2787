//! What an application can read from here: resources, and templates for whole families of them.
//!
//! Rules: MCP 2025-11-25 and 2026-07-28 server/resources; RFC 6570 (templates; here with one variable, at the end). A
//! URI is looked up as it is written, never resolved: there is nothing to traverse.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{
    Map,
    value::{RawValue, to_raw_value},
};

use crate::{jsonrpc::ErrorObject, principal::Principal};

use super::{
    dispatcher::{Call, MethodError},
    protocol,
};

/// No such resource (MCP 2025-11-25 server/resources, "Error Handling").
pub const NOT_FOUND: i64 = -32002;

type Caller<'a> = Option<&'a Principal>;
type Text = dyn Fn(Caller<'_>) -> String + Send + Sync;
type FamilyText = dyn Fn(&str, Caller<'_>) -> Option<String> + Send + Sync;

/// One resource: what clients are told of it, and what it says.
pub struct Resource {
    uri: &'static str,
    mime_type: &'static str,
    listed: Box<RawValue>,
    text: Box<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_template: Option<String>,
    name: &'a str,
    title: &'a str,
    description: &'a str,
    mime_type: &'a str,
}

impl Resource {
    /// A text of this type. The name is what programs call it, the title is for people.
    pub fn new(
        uri: &'static str,
        mime_type: &'static str,
        [name, title, description]: [&'static str; 3],
        text: impl Fn(Option<&Principal>) -> String + Send + Sync + 'static,
    ) -> Self {
        let uri_template = None;
        let uri_and = Some(uri);
        let definition =
            Definition { uri: uri_and, uri_template, name, title, description, mime_type };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        Self { uri, mime_type, listed, text: Box::new(text) }
    }
}

/// A family of resources: `prefix` and a value of `variable` after it.
pub struct Template {
    prefix: &'static str,
    variable: &'static str,
    mime_type: &'static str,
    listed: Box<RawValue>,
    values: Vec<String>,
    text: Box<FamilyText>,
}

impl Template {
    /// `{prefix}{variable}`, each of its values a text of this type; `None` where there is none. `values` are what a
    /// client may suggest to a person.
    pub fn new(
        [prefix, variable]: [&'static str; 2],
        mime_type: &'static str,
        [name, title, description]: [&'static str; 3],
        values: Vec<String>,
        text: impl Fn(&str, Option<&Principal>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let uri_template = Some(format!("{prefix}{{{variable}}}"));
        let definition =
            Definition { uri: None, uri_template, name, title, description, mime_type };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        Self { prefix, variable, mime_type, listed, values, text: Box::new(text) }
    }

    /// The values of a variable, if `uri` is this template and has it.
    pub(super) fn values(&self, uri: &str, variable: &str) -> Option<&[String]> {
        let written = uri.strip_prefix(self.prefix)?.strip_prefix('{')?.strip_suffix('}')?;
        (written == self.variable && written == variable).then_some(&self.values)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listed.get())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listed.get())
    }
}

/// The resources of a server, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    single: Arc<Vec<Arc<Resource>>>,
    templates: Arc<Vec<Arc<Template>>>,
}

impl Resources {
    /// No resources yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more resource.
    #[must_use]
    pub fn with(mut self, resource: Resource) -> Self {
        Arc::make_mut(&mut self.single).push(Arc::new(resource));
        self
    }

    /// One more family of resources.
    #[must_use]
    pub fn template(mut self, template: Template) -> Self {
        Arc::make_mut(&mut self.templates).push(Arc::new(template));
        self
    }

    /// The URIs of the single ones.
    pub fn uris(&self) -> Vec<&'static str> {
        self.single.iter().map(|resource| resource.uri).collect()
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.iter().map(AsRef::as_ref)
    }

    fn find(&self, uri: &str, caller: Caller<'_>) -> Option<(&'static str, String)> {
        if let Some(resource) = self.single.iter().find(|resource| resource.uri == uri) {
            return Some((resource.mime_type, (resource.text)(caller)));
        }
        self.templates().find_map(|template| {
            let value = uri.strip_prefix(template.prefix)?;
            Some((template.mime_type, (template.text)(value, caller)?))
        })
    }
}

/// The answer to `resources/list`.
#[derive(Debug, Serialize)]
pub struct ListResourcesResult {
    resources: Vec<Box<RawValue>>,
}

/// `resources/list`
pub async fn list(resources: Resources, call: Call) -> Result<ListResourcesResult, MethodError> {
    protocol::first_page(&call.params)?;
    let resources = resources.single.iter().map(|resource| resource.listed.clone()).collect();
    Ok(ListResourcesResult { resources })
}

/// The answer to `resources/templates/list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResourceTemplatesResult {
    resource_templates: Vec<Box<RawValue>>,
}

/// `resources/templates/list`
pub async fn list_templates(
    resources: Resources,
    call: Call,
) -> Result<ListResourceTemplatesResult, MethodError> {
    protocol::first_page(&call.params)?;
    let resource_templates = resources.templates().map(|t| t.listed.clone()).collect();
    Ok(ListResourceTemplatesResult { resource_templates })
}

#[derive(Deserialize)]
struct ReadResourceParams {
    uri: String,
}

/// The answer to `resources/read`.
#[derive(Debug, Serialize)]
pub struct ReadResourceResult {
    contents: [Contents; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    uri: String,
    mime_type: &'static str,
    text: String,
}

/// `resources/read`
pub async fn read(resources: Resources, call: Call) -> Result<ReadResourceResult, MethodError> {
    let ReadResourceParams { uri } = call.params.read()?;
    match resources.find(&uri, call.principal.as_ref()) {
        Some((mime_type, text)) => {
            Ok(ReadResourceResult { contents: [Contents { uri, mime_type, text }] })
        }
        None => {
            let data = Map::from_iter([("uri".to_owned(), uri.into())]);
            Err(ErrorObject::new(NOT_FOUND, "Resource not found").with_data(data.into()).into())
        }
    }
}
