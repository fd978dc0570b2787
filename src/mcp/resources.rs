//! Resources, and templates for families of them: `resources/list`, `resources/templates/list` and `resources/read`.
//!
//! Specs: MCP 2025-11-25 and 2026-07-28 server/resources; RFC 6570 (templates; here with one variable, at the end). A URI
//! is compared as it is written and never resolved, so there is nothing to traverse.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::{jsonrpc::ErrorObject, principal::Principal};

use super::{
    call::{CallContext, MethodResult, ResultBody},
    dispatcher::{Dispatcher, WithState},
    protocol,
};

type Caller<'a> = Option<&'a Principal>;
type Text = dyn Fn(Caller<'_>) -> String + Send + Sync;
type TemplateText = dyn Fn(&str, Caller<'_>) -> Option<String> + Send + Sync;
type Values = dyn Fn(Caller<'_>) -> Vec<String> + Send + Sync;

/// A resource: its definition and its text.
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
    /// A text. `name` is for programs, `title` for users.
    pub fn new(
        uri: &'static str,
        mime_type: &'static str,
        [name, title, description]: [&'static str; 3],
        text: impl Fn(Option<&Principal>) -> String + Send + Sync + 'static,
    ) -> Self {
        let (uri_template, definition_uri) = (None, Some(uri));
        let definition =
            Definition { uri: definition_uri, uri_template, name, title, description, mime_type };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        Self { uri, mime_type, listed, text: Box::new(text) }
    }
}

/// A resource template: `prefix`, and after it a value of `variable`.
pub struct Template {
    prefix: &'static str,
    variable: &'static str,
    mime_type: &'static str,
    listed: Box<RawValue>,
    values: Box<Values>,
    text: Box<TemplateText>,
}

impl Template {
    /// `text` is called with a value of the variable, and returns `None` if there is no such resource. `values` are those
    /// that a client may suggest to this caller.
    pub fn new(
        [prefix, variable]: [&'static str; 2],
        mime_type: &'static str,
        [name, title, description]: [&'static str; 3],
        values: impl Fn(Option<&Principal>) -> Vec<String> + Send + Sync + 'static,
        text: impl Fn(&str, Option<&Principal>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let uri_template = Some(format!("{prefix}{{{variable}}}"));
        let definition =
            Definition { uri: None, uri_template, name, title, description, mime_type };
        let listed = to_raw_value(&definition).expect("a definition is serializable");
        let (values, text) = (Box::new(values), Box::new(text));
        Self { prefix, variable, mime_type, listed, values, text }
    }

    /// The values to suggest for a variable, if `uri` is this template and has it.
    pub(super) fn completions(
        &self,
        uri: &str,
        variable: &str,
        caller: Option<&Principal>,
    ) -> Option<Vec<String>> {
        let written = uri.strip_prefix(self.prefix)?.strip_prefix('{')?.strip_suffix('}')?;
        (written == self.variable && written == variable).then(|| (self.values)(caller))
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

    /// Adds a resource.
    ///
    /// # Panics
    /// If there is a resource of this URI.
    #[must_use]
    pub fn with(mut self, resource: Resource) -> Self {
        let uri = resource.uri;
        assert!(!self.uris().contains(&uri), "two resources have the URI {uri}");
        Arc::make_mut(&mut self.single).push(Arc::new(resource));
        self
    }

    /// Adds a resource template.
    ///
    /// # Panics
    /// If there is a template with the same prefix.
    #[must_use]
    pub fn template(mut self, template: Template) -> Self {
        let prefix = template.prefix;
        assert!(self.templates().all(|t| t.prefix != prefix), "two templates begin with {prefix}");
        Arc::make_mut(&mut self.templates).push(Arc::new(template));
        self
    }

    /// `resources/list`, `resources/templates/list` and `resources/read`.
    pub fn methods(&self) -> Dispatcher {
        Dispatcher::new()
            .method("resources/list", list.with_state(self))
            .method("resources/templates/list", list_templates.with_state(self))
            .method("resources/read", read.with_state(self))
    }

    /// The URIs of the resources without a template.
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

/// The result of `resources/list`.
#[derive(Debug, Serialize)]
struct ListResourcesResult {
    resources: Vec<Box<RawValue>>,
}

impl ResultBody for ListResourcesResult {}

async fn list(resources: Resources, call: CallContext) -> MethodResult<ListResourcesResult> {
    protocol::check_cursor(&call.params)?;
    let resources = resources.single.iter().map(|resource| resource.listed.clone()).collect();
    Ok(ListResourcesResult { resources })
}

/// The result of `resources/templates/list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListResourceTemplatesResult {
    resource_templates: Vec<Box<RawValue>>,
}

impl ResultBody for ListResourceTemplatesResult {}

async fn list_templates(
    resources: Resources,
    call: CallContext,
) -> MethodResult<ListResourceTemplatesResult> {
    protocol::check_cursor(&call.params)?;
    let resource_templates = resources.templates().map(|t| t.listed.clone()).collect();
    Ok(ListResourceTemplatesResult { resource_templates })
}

#[derive(Deserialize, Serialize)]
struct ReadResourceParams {
    uri: String,
}

/// The result of `resources/read`.
#[derive(Debug, Serialize)]
struct ReadResourceResult {
    contents: [Contents; 1],
}

impl ResultBody for ReadResourceResult {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    uri: String,
    mime_type: &'static str,
    text: String,
}

async fn read(resources: Resources, call: CallContext) -> MethodResult<ReadResourceResult> {
    let ReadResourceParams { uri } = call.params.read()?;
    match resources.find(&uri, call.principal.as_ref()) {
        Some((mime_type, text)) => {
            Ok(ReadResourceResult { contents: [Contents { uri, mime_type, text }] })
        }
        None => {
            let error = ErrorObject::new(protocol::RESOURCE_NOT_FOUND, "Resource not found");
            Err(error.with_data(&ReadResourceParams { uri }).into())
        }
    }
}
