//! The command line. Secrets come from files (`@FILE`) or the environment: other users of a machine can see arguments.

pub mod values;

use std::path::PathBuf;

use clap::{
    ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum, parser::ValueSource,
};
use jsonwebtoken::Algorithm;

use crate::client::context::{
    credentials::secret::Secret,
    options::values::{Call, Calls, algorithm, call, calls, secret},
};

/// An MCP client that needs nothing but the server's URL: it discovers the authorization server, registers, lets the user
/// log in, gets a token and calls the server.
///
/// Progress is reported on standard error; results are on standard output, as JSON lines when that is not a terminal. Exit
/// codes: 0 done, 1 rejected or failed, 4 a call returned an error.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 110)]
pub struct Options {
    /// The MCP endpoint
    #[arg(default_value = "http://localhost:9000/mcp")]
    pub url: String,

    /// Evaluate the public metadata of an authorization server, or of the one that an MCP server names
    #[arg(long, value_name = "ISSUER_OR_MCP_URL", help_heading = "Instead of a session")]
    pub check: Option<String>,
    /// Delete the stored tokens for this server, and the registration at its authorization server
    #[arg(long, help_heading = "Instead of a session")]
    pub logout: bool,

    /// Call a tool (repeatable)
    #[arg(long, value_name = "NAME=JSON", value_parser = call, help_heading = "Session")]
    pub call: Vec<Call>,
    /// Call tools from a file: [{"name": .., "arguments": {..}}, ..]
    #[arg(long, value_name = "FILE", value_parser = calls, help_heading = "Session")]
    pub call_file: Option<Calls>,
    /// Call every listed tool that is annotated as read-only or not destructive, with arguments made from its schema
    #[arg(long, help_heading = "Session")]
    pub call_all: bool,
    /// With --call-all: call the other tools, too (without annotations a tool may be destructive)
    #[arg(long, requires = "call_all", help_heading = "Session")]
    pub include_destructive: bool,
    /// Get a prompt (repeatable)
    #[arg(long, value_name = "NAME[=JSON]", value_parser = call, help_heading = "Session")]
    pub prompt: Vec<Call>,
    /// Read a resource (repeatable)
    #[arg(long, value_name = "URI", help_heading = "Session")]
    pub read_resource: Vec<String>,
    /// The protocol revision
    #[arg(long, value_enum, default_value_t, help_heading = "Session")]
    pub protocol_version: ProtocolVersion,
    /// Answer elicitation requests without asking; by default the terminal asks
    #[arg(long, value_enum, help_heading = "Session")]
    pub elicitation: Option<Elicitation>,
    /// Time limit for one response, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "Session")]
    pub timeout: u64,
    /// Use the proxy of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY; it must refuse private addresses, because it resolves names
    #[arg(long, help_heading = "Session")]
    pub trust_proxy: bool,

    /// Follow the authorization redirects without a browser, and store nothing unless --credentials-file is given
    #[arg(long, help_heading = "Authorization")]
    pub headless: bool,
    /// Print the authorization URL instead of opening it
    #[arg(long, help_heading = "Authorization")]
    pub no_browser: bool,
    /// Redirect URI [default: a free port on 127.0.0.1]
    #[arg(long, value_name = "URI", help_heading = "Authorization")]
    pub redirect_uri: Option<String>,
    /// Request these scopes, separated by spaces, instead of those that the server names
    #[arg(long, value_name = "SCOPES", help_heading = "Authorization")]
    pub scope: Option<String>,
    /// The only authorization server to trust; required with --headless or another --grant when there is a secret, key or
    /// assertion to send
    #[arg(long, value_name = "URL", help_heading = "Authorization")]
    pub issuer: Option<String>,
    /// Leave `resource` out (RFC 8707), for authorization servers that refuse it. The token is then not bound to this
    /// server
    #[arg(long, help_heading = "Authorization")]
    pub omit_resource: bool,
    /// Continue when the authorization server does not advertise PKCE with S256 (MCP requires clients to refuse)
    #[arg(long, help_heading = "Authorization")]
    pub assume_pkce_s256: bool,
    /// Request DPoP-bound tokens even if the server does not require them (RFC 9449)
    #[arg(long, help_heading = "Authorization")]
    pub dpop: bool,

    /// The grant
    #[arg(long, value_enum, default_value_t, help_heading = "Client")]
    pub grant: Grant,
    /// The id of a pre-registered client
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Client")]
    pub client_id: Option<String>,
    /// Its secret
    #[arg(long, value_name = "@FILE", env = "MCP_CLIENT_SECRET", hide_env_values = true, value_parser = secret, help_heading = "Client")]
    pub client_secret: Option<Secret>,
    /// The https URL of a client ID metadata document
    #[arg(long, value_name = "URL", help_heading = "Client")]
    pub client_metadata_url: Option<String>,
    /// A private key (PEM) for private_key_jwt
    #[arg(long, value_name = "@FILE", env = "MCP_PRIVATE_KEY", hide_env_values = true, value_parser = secret, help_heading = "Client")]
    pub private_key: Option<Secret>,
    /// The algorithm of that key
    #[arg(long, default_value = "ES256", value_parser = algorithm, help_heading = "Client")]
    pub signing_alg: Algorithm,
    /// Its key id
    #[arg(long, value_name = "KID", allow_hyphen_values = true, help_heading = "Client")]
    pub key_id: Option<String>,
    /// A JWT assertion, for --grant jwt-bearer
    #[arg(long, value_name = "@FILE", env = "MCP_ASSERTION", hide_env_values = true, value_parser = secret, help_heading = "Client")]
    pub assertion: Option<Secret>,
    /// The token endpoint of the enterprise identity provider, for --grant jwt-bearer
    #[arg(long, value_name = "URL", help_heading = "Client")]
    pub idp_token_endpoint: Option<String>,
    /// The client id there
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = "Client")]
    pub idp_client_id: Option<String>,
    /// The client secret there
    #[arg(long, value_name = "@FILE", env = "MCP_IDP_CLIENT_SECRET", hide_env_values = true, value_parser = secret, help_heading = "Client")]
    pub idp_client_secret: Option<Secret>,
    /// The ID token of the user's login there
    #[arg(long, value_name = "@FILE", env = "MCP_ID_TOKEN", hide_env_values = true, value_parser = secret, help_heading = "Client")]
    pub id_token: Option<Secret>,
    /// Where registrations and tokens are stored [default: credentials.json in the user's configuration folder]
    #[arg(long, value_name = "FILE", help_heading = "Client")]
    pub credentials_file: Option<PathBuf>,

    /// Results only; the login address and warnings are still shown
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// How results are shown: `auto` is a table on a terminal, else JSON
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
    /// All headers and whole bodies (secrets stay shortened)
    #[arg(long, short, action = ArgAction::SetTrue, help_heading = "Output")]
    pub verbose: bool,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table on a terminal, else JSON
    #[default]
    Auto,
    /// Text for people
    Table,
    /// One JSON document per line, and no progress report unless --verbose
    Json,
}

/// Which protocol revision to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProtocolVersion {
    /// The newest that the server supports
    #[default]
    Auto,
    /// Stateless
    #[value(name = "2026-07-28")]
    V2026_07_28,
    /// With sessions
    #[value(name = "2025-11-25")]
    V2025_11_25,
    /// With sessions; the revision of the posts
    #[value(name = "2025-06-18")]
    V2025_06_18,
    /// With sessions, and without protected resource metadata: the MCP server's own origin issues the tokens
    #[value(name = "2025-03-26")]
    V2025_03_26,
}

/// How to get a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Grant {
    /// A user logs in and consents (with PKCE)
    #[default]
    #[value(name = "authorization_code")]
    AuthorizationCode,
    /// For the client itself, without a user
    #[value(name = "client_credentials")]
    ClientCredentials,
    /// By an assertion of another party
    JwtBearer,
}

/// How to answer elicitation requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Elicitation {
    /// Accept, with the defaults of the form
    AcceptDefaults,
    /// Decline
    Decline,
}

impl Options {
    /// Parses the command line; `--help` and mistakes end the program.
    pub fn from_command_line() -> Self {
        let matches = Self::command().get_matches();
        if let Err(error) = no_secret_in_arguments(&matches) {
            Self::command().error(clap::error::ErrorKind::ValueValidation, error).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// What would be sent to the authorization server while no user can see to whom.
    pub(crate) fn unattended_credentials(&self) -> Option<&'static str> {
        if !self.headless && self.grant == Grant::AuthorizationCode {
            return None;
        }
        [
            (self.client_secret.is_some(), "the client secret"),
            (self.private_key.is_some(), "an assertion signed with the private key"),
            (self.assertion.is_some(), "the assertion"),
            (self.id_token.is_some(), "a grant made from the ID token"),
        ]
        .into_iter()
        .find_map(|(present, what)| present.then_some(what))
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
                "--{} takes no secret itself, because other users can see arguments: write it into a file and pass @FILE",
                name.replace('_', "-")
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn an_identifier_may_begin_with_a_hyphen() {
        for flag in ["--client-id", "--idp-client-id", "--key-id"] {
            let arguments =
                ["step11", "--grant", "client_credentials", flag, "-H7", "http://localhost"];
            let matches = Options::command().try_get_matches_from(arguments).unwrap();
            let id = flag.trim_start_matches('-').replace('-', "_");
            assert_eq!(matches.get_one::<String>(&id).unwrap(), "-H7");
        }
    }

    #[test]
    fn a_secret_as_an_argument_is_rejected() {
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
}
