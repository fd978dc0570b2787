//! Every JSON-RPC message that a server sends in a test is held against the official schema of its revision.
//!
//! `MCP_SCHEMA_DIR` names the folder of `REVISION.schema.json`. Without it nothing can be checked, and that is said
//! where no test harness hides it.

use std::{
    collections::HashMap,
    io::Write,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, Once},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;

/// Where the schemas are.
pub(crate) const VARIABLE: &str = "MCP_SCHEMA_DIR";

pub(crate) const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];
pub(crate) const STATELESS: &str = "2026-07-28";

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// The folder of the schemas; `None` is said aloud, once.
pub(crate) fn folder() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        SAID.call_once(|| {
            let _ = writeln!(
                std::io::stderr(),
                "\n!!! {VARIABLE} is not set: no message was held against the official schemas !!!\n"
            );
        });
    }
    folder
}

/// What an answer has to look like, judged by the request.
#[derive(Debug)]
pub(crate) struct Expectation {
    method: String,
    revisions: Vec<&'static str>,
}

impl Expectation {
    /// `None` for what is no JSON-RPC request to the endpoint.
    pub(crate) fn of(request: &reqwest::RequestBuilder) -> Option<Self> {
        let request = request.try_clone()?.build().ok()?;
        if request.url().path() != "/mcp" || request.method() != "POST" {
            return None;
        }
        let message: Value =
            serde_json::from_slice(request.body()?.as_bytes()?).unwrap_or(Value::Null);
        let header = request.headers().get("mcp-protocol-version");
        let named = message["params"]["_meta"][VERSION].as_str();
        let named = named.or(header.and_then(|header| header.to_str().ok()));
        // Without a word about it a client may be of any of the older revisions.
        let revisions = match named {
            Some(version) => match LEGACY.into_iter().find(|known| *known == version) {
                Some(known) => vec![known],
                None => vec![STATELESS],
            },
            None => LEGACY.to_vec(),
        };
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        Some(Self { method, revisions })
    }

    /// Panics when the answer is a JSON-RPC message that its revision does not allow.
    #[track_caller]
    pub(crate) fn check(&self, answer: &Answer) {
        let message: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        if message.get("jsonrpc").is_none() {
            return;
        }
        for revision in &self.revisions {
            let found = faults(revision, &self.method, &message);
            assert!(found.is_empty(), "{revision} {}: {found:#?}\n{message:#}", self.method);
        }
    }
}

/// What is wrong with an answer to `method`; nothing where there are no schemas.
pub(crate) fn faults(revision: &str, method: &str, message: &Value) -> Vec<String> {
    let definitions: &[&str] = match message.get("error") {
        Some(error) => match (revision, error["code"].as_i64()) {
            (STATELESS, Some(-32020)) => &["HeaderMismatchError"],
            (STATELESS, Some(-32021)) => &["MissingRequiredClientCapabilityError"],
            (STATELESS, Some(-32022)) => &["UnsupportedProtocolVersionError"],
            (STATELESS | "2025-11-25", _) => &["JSONRPCErrorResponse"],
            // These two have no form for an error of a request that could not be read.
            _ if message.get("id").is_none() => &[],
            _ => &["JSONRPCError"],
        },
        None => match revision {
            STATELESS | "2025-11-25" => &["JSONRPCResultResponse"],
            _ => &["JSONRPCResponse"],
        },
    };
    let mut found: Vec<_> =
        definitions.iter().flat_map(|definition| against(revision, definition, message)).collect();
    if let Some(result) = message.get("result") {
        let definition = match method {
            "initialize" => "InitializeResult",
            "ping" => "EmptyResult",
            "tools/list" => "ListToolsResult",
            "tools/call" => "CallToolResult",
            "prompts/list" => "ListPromptsResult",
            "prompts/get" => "GetPromptResult",
            "resources/list" => "ListResourcesResult",
            "resources/templates/list" => "ListResourceTemplatesResult",
            "resources/read" => "ReadResourceResult",
            "completion/complete" => "CompleteResult",
            "server/discover" => "DiscoverResult",
            _ => return vec![format!("a result of {method:?}, which no revision has")],
        };
        let definition = match result["resultType"].as_str() {
            Some("input_required") => "InputRequiredResult",
            _ => definition,
        };
        found.extend(against(revision, definition, result));
    }
    found
}

fn against(revision: &str, definition: &str, value: &Value) -> Vec<String> {
    let Some(validator) = validator(revision, definition) else {
        return Vec::new();
    };
    let fault = |error: jsonschema::ValidationError<'_>| {
        format!("{definition} at {}: {error}", error.instance_path())
    };
    validator.iter_errors(value).map(fault).collect()
}

/// The validator of one definition, made once.
fn validator(revision: &str, definition: &str) -> Option<Arc<Validator>> {
    type Known = Mutex<HashMap<(String, String), Arc<Validator>>>;
    static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);

    let path = folder()?.join(format!("{revision}.schema.json"));
    let mut known = KNOWN.lock().unwrap();
    let key = (revision.to_owned(), definition.to_owned());
    if !known.contains_key(&key) {
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{VARIABLE}: {}: {error}", path.display()));
        let mut schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
        let place = if schema.get("$defs").is_some() { "$defs" } else { "definitions" };
        assert!(schema[place].get(definition).is_some(), "{revision} has no {definition}");
        schema["$ref"] = json!(format!("#/{place}/{definition}"));
        let validator = jsonschema::validator_for(&schema).expect("a schema is valid");
        known.insert(key.clone(), Arc::new(validator));
    }
    known.get(&key).cloned()
}
