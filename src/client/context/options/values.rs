//! Values on the command line: secrets in files, algorithms, calls.

use std::{fs, path::Path};

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use crate::{
    client::context::{
        credentials::{private_file::check_permissions, secret::Secret},
        reporter::{Reporter, Verbosity},
    },
    jsonrpc::Object,
};

/// A name and its arguments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Call {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) arguments: Object,
}

/// Several calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Calls(pub(crate) Vec<Call>);

/// Reads `@FILE`; a value from the environment is the secret itself.
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(Secret::from(text.to_owned()));
    };
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    // Not an error: orchestrators mount secrets so.
    if let Err(error) = check_permissions(Path::new(path)) {
        Reporter::new(Verbosity::Quiet).warn(&format!("{path}: {error}"));
    }
    Ok(Secret::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    match text.parse() {
        Ok(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) | Err(_) => {
            Err("one of ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA".to_owned())
        }
        Ok(algorithm) => Ok(algorithm),
    }
}

/// Parses `NAME={..}`.
pub(crate) fn call(text: &str) -> Result<Call, String> {
    let (name, arguments) = text.split_once('=').unwrap_or((text, "{}"));
    let arguments = serde_json::from_str(arguments).map_err(|e| {
        format!(
            "the arguments are not a JSON object: {e}; an example: --call 'echo={{\"message\": \"hi\"}}'"
        )
    })?;
    Ok(Call { name: name.to_owned(), arguments })
}

/// Reads a file of calls.
pub(super) fn calls(path: &str) -> Result<Calls, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    serde_json::from_str(&text).map(Calls).map_err(|e| format!("{path}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_name_and_a_json_object() {
        assert_eq!(call("echo").unwrap().arguments.len(), 0);
        assert_eq!(call(r#"echo={"message":"a=b"}"#).unwrap().arguments["message"], "a=b");
        assert!(call("echo=1").is_err());
    }
}
