//! The command line. Secrets come from files (`@FILE`) or the environment: other people can see arguments.

use std::{fs, path::PathBuf};

use clap::{
    ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum, parser::ValueSource,
};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::{client::context::secret::Secret, jsonrpc::Object};

/// Finds its own way from a refusal to an answer: discovery, registration, authorization, token, session.
///
/// What happens on the way is told on standard error; results are on standard output, as JSON lines when it is no
/// terminal. Exit codes: 0 done, 1 refused or failed, 4 a call returned an error.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 110)]
pub struct Options {
    /// The MCP server
    #[arg(default_value = "http://localhost:9000/mcp")]
    pub url: String,

    /// Read the public metadata of an authorization server (or of the one that an MCP server names) and judge it
    #[arg(long, value_name = "ISSUER_OR_MCP_URL", help_heading = "Instead of a session")]
    pub check: Option<String>,
    /// With --check: the table for people, even when the output is no terminal
    #[arg(
        long,
        requires = "check",
        conflicts_with = "json",
        help_heading = "Instead of a session"
    )]
    pub table: bool,
    /// Forget the tokens of this server, and our registration at its authorization server
    #[arg(long, help_heading = "Instead of a session")]
    pub forget: bool,

    /// Call a tool (repeatable)
    #[arg(long, value_name = "NAME=JSON", value_parser = call, help_heading = "The session")]
    pub call: Vec<Call>,
    /// Call tools from a file: [{"name": .., "arguments": {..}}, ..]
    #[arg(long, value_name = "FILE", value_parser = calls, help_heading = "The session")]
    pub call_file: Option<Calls>,
    /// Call every listed tool that does not say it destroys, with arguments made from its schema
    #[arg(long, help_heading = "The session")]
    pub call_all: bool,
    /// Get a prompt (repeatable)
    #[arg(long, value_name = "NAME[=JSON]", value_parser = call, help_heading = "The session")]
    pub prompt: Vec<Call>,
    /// Read a resource (repeatable)
    #[arg(long, value_name = "URI", help_heading = "The session")]
    pub read: Vec<String>,
    /// The protocol's revision
    #[arg(long, value_enum, default_value_t, help_heading = "The session")]
    pub protocol: Protocol,
    /// Answer the server's questions without asking; without this the terminal asks
    #[arg(long, value_enum, help_heading = "The session")]
    pub elicitation: Option<Elicitation>,
    /// Seconds that one answer may take
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "The session")]
    pub timeout: u64,

    /// Follow the authorization redirects without a browser, and keep nothing unless --credentials says where
    #[arg(long, help_heading = "Authorization")]
    pub headless: bool,
    /// Print the authorization URL instead of opening it
    #[arg(long, help_heading = "Authorization")]
    pub no_browser: bool,
    /// Where the answer is to arrive [default: a free port of this machine]
    #[arg(long, value_name = "URI", help_heading = "Authorization")]
    pub redirect_uri: Option<String>,
    /// Ask for these scopes, blank-separated, instead of those that the server names
    #[arg(long, help_heading = "Authorization")]
    pub scope: Option<String>,
    /// Which of the authorization servers that the resource names
    #[arg(long, help_heading = "Authorization")]
    pub issuer: Option<String>,
    /// Go on when the authorization server does not say that it does PKCE with S256 (MCP says: refuse)
    #[arg(long, help_heading = "Authorization")]
    pub assume_s256: bool,
    /// Bind tokens to a key even if the server does not ask for it (RFC 9449)
    #[arg(long, help_heading = "Authorization")]
    pub dpop: bool,

    /// How to get a token
    #[arg(long, value_enum, default_value_t, help_heading = "The client")]
    pub grant: Grant,
    /// The id of a client that was registered beforehand
    #[arg(long, value_name = "ID", help_heading = "The client")]
    pub client_id: Option<String>,
    /// Its secret
    #[arg(long, value_name = "@FILE", env = "MCP_CLIENT_SECRET", hide_env_values = true, value_parser = secret, help_heading = "The client")]
    pub client_secret: Option<Secret>,
    /// The https URL of our client metadata document
    #[arg(long, value_name = "URL", help_heading = "The client")]
    pub client_metadata_url: Option<String>,
    /// A private key (PEM) to authenticate with: private_key_jwt
    #[arg(long, value_name = "@FILE", env = "MCP_PRIVATE_KEY", hide_env_values = true, value_parser = secret, help_heading = "The client")]
    pub private_key: Option<Secret>,
    /// The algorithm of that key
    #[arg(long, default_value = "ES256", value_parser = algorithm, help_heading = "The client")]
    pub signing_alg: Algorithm,
    /// Its key id
    #[arg(long, value_name = "KID", help_heading = "The client")]
    pub key_id: Option<String>,
    /// A JWT that vouches for us, for --grant jwt-bearer
    #[arg(long, value_name = "@FILE", env = "MCP_ASSERTION", hide_env_values = true, value_parser = secret, help_heading = "The client")]
    pub assertion: Option<Secret>,
    /// The token endpoint of the company's identity provider, for --grant jwt-bearer
    #[arg(long, value_name = "URL", help_heading = "The client")]
    pub idp_token_endpoint: Option<String>,
    /// Our client id there
    #[arg(long, value_name = "ID", help_heading = "The client")]
    pub idp_client_id: Option<String>,
    /// Our secret there
    #[arg(long, value_name = "@FILE", env = "MCP_IDP_CLIENT_SECRET", hide_env_values = true, value_parser = secret, help_heading = "The client")]
    pub idp_client_secret: Option<Secret>,
    /// The ID token of the person's login there
    #[arg(long, value_name = "@FILE", env = "MCP_ID_TOKEN", hide_env_values = true, value_parser = secret, help_heading = "The client")]
    pub id_token: Option<Secret>,
    /// Where registrations and tokens are kept [default: credentials.json in your configuration folder]
    #[arg(long, value_name = "FILE", help_heading = "The client")]
    pub credentials: Option<PathBuf>,

    /// Results only
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Results as one JSON document a line, and no story unless -v
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// All headers, whole bodies (secrets stay shortened)
    #[arg(long, short, action = ArgAction::SetTrue, help_heading = "Output")]
    pub verbose: bool,
}

/// Which revision of MCP to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The newest that the server speaks.
    #[default]
    Auto,
    /// Every request stands for itself.
    #[value(name = "2026-07-28")]
    V2026_07_28,
    /// A session, with URL elicitation.
    #[value(name = "2025-11-25")]
    V2025_11_25,
    /// A session; the revision of the tutorial's posts.
    #[value(name = "2025-06-18")]
    V2025_06_18,
}

/// How to get a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Grant {
    /// A person logs in and consents (with PKCE)
    #[default]
    #[value(name = "authorization_code")]
    AuthorizationCode,
    /// The client stands for itself
    #[value(name = "client_credentials")]
    ClientCredentials,
    /// Somebody vouches for us
    JwtBearer,
}

/// What to answer to the server's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Elicitation {
    /// Accept, with the defaults of the form
    AcceptDefaults,
    /// Say no
    Decline,
}

/// A name and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Object,
}

/// Several calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Calls(pub(crate) Vec<Call>);

impl Options {
    /// Reads the command line; help and mistakes end the program.
    pub fn from_command_line() -> Self {
        let matches = Self::command().get_matches();
        if let Err(error) = no_secret_in_arguments(&matches) {
            Self::command().error(clap::error::ErrorKind::ValueValidation, error).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn no_secret_in_arguments(matches: &ArgMatches) -> Result<(), String> {
    for name in ["client_secret", "private_key", "assertion", "idp_client_secret", "id_token"] {
        if matches.value_source(name) != Some(ValueSource::CommandLine) {
            continue;
        }
        if matches
            .get_raw(name)
            .into_iter()
            .flatten()
            .any(|raw| !raw.as_encoded_bytes().starts_with(b"@"))
        {
            return Err(format!(
                "--{} takes no secret itself, other people can see arguments: write it into a file and pass @FILE",
                name.replace('_', "-")
            ));
        }
    }
    Ok(())
}

fn secret(text: &str) -> Result<Secret, String> {
    match text.strip_prefix('@') {
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => Ok(Secret::from(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(format!("{path}: {error}")),
        },
        None => Ok(Secret::from(text.to_owned())),
    }
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    match text.parse() {
        Ok(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) | Err(_) => {
            Err("one of ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA".to_owned())
        }
        Ok(algorithm) => Ok(algorithm),
    }
}

/// Reads `NAME={..}`.
pub(crate) fn call(text: &str) -> Result<Call, String> {
    let (name, arguments) = text.split_once('=').unwrap_or((text, "{}"));
    let arguments = serde_json::from_str(arguments).map_err(|e| {
        format!(
            "the arguments are no JSON object: {e}; as in --call 'echo={{\"message\": \"hi\"}}'"
        )
    })?;
    Ok(Call { name: name.to_owned(), arguments })
}

fn calls(path: &str) -> Result<Calls, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let calls: Vec<Map<String, Value>> = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let read = |mut call: Map<String, Value>| match (call.remove("name"), call.remove("arguments"))
    {
        (Some(Value::String(name)), Some(Value::Object(arguments))) => Ok(Call { name, arguments }),
        (Some(Value::String(name)), None) => Ok(Call { name, arguments: Map::new() }),
        _ => Err("each entry has a name and arguments".to_owned()),
    };
    calls.into_iter().map(read).collect::<Result<_, _>>().map(Calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_secret_as_an_argument_is_refused() {
        for (arguments, expected) in [
            (vec!["step11", "--client-secret", "hunter2"], false),
            (vec!["step11", "--assertion", "eyJ"], false),
            (vec!["step11", "--client-secret", "@/dev/null"], true),
            (vec!["step11"], true),
        ] {
            let matches = Options::command().get_matches_from(&arguments);
            assert_eq!(no_secret_in_arguments(&matches).is_ok(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn calls_are_a_name_and_an_object() {
        assert_eq!(call("echo").unwrap().arguments.len(), 0);
        assert_eq!(call(r#"echo={"message":"a=b"}"#).unwrap().arguments["message"], "a=b");
        assert!(call("echo=1").is_err());
    }
}
