//! Settings: the command line, then the environment, then a file, then the defaults. Nothing else reads them.
//!
//! ```
//! use clap::Parser;
//! use mcp_auth::{program::ProgramInfo, config::Cli};
//!
//! let cli = Cli::parse_from(["server", "--public-url", "https://mcp.example.com"]);
//! let config = cli.into_config(ProgramInfo::default(), 9000);
//! assert_eq!(config.public_url.join("/mcp"), "https://mcp.example.com/mcp");
//! ```

mod authorization_server;
mod downstream;
mod env_file;
mod help;
mod limits;
mod provider;
mod public_url;
mod values;

use std::{ffi::OsString, net::IpAddr, path::PathBuf};

use clap::{
    ArgMatches, Command, CommandFactory, FromArgMatches, Parser, error::ErrorKind,
    parser::ValueSource,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    auth::{identity_providers::IdentityProviders, provider::ProviderError},
    authorization_server::Settings,
    origin::{AllowedOrigins, Origin},
    program::ProgramInfo,
    telemetry::LogFormat,
};

use authorization_server::AuthorizationServerArgs;
use downstream::DownstreamArgs;
use env_file::EnvFile;
use provider::ProviderArgs;
use values::{Sensitive, non_empty};

pub use downstream::DownstreamConfig;
pub use limits::Limits;
pub use provider::{IntrospectionConfig, ProviderConfig};
pub use public_url::PublicUrl;

/// The settings of a server, before it knows its port.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// Address to listen on; the default is reachable from this machine only.
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Port to listen on; 0 picks a free one.
    #[arg(long, env = "PORT", default_value_t = 9000)]
    pub port: u16,

    /// URL at which clients reach this server; tokens and metadata name it. It may have a path, behind a proxy that
    /// strips the path or not. [default: http://localhost:PORT]
    #[arg(long, env = "MCP_SERVER_URL", value_parser = Sensitive::PUBLIC_URL, value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Origin of another web page that may send requests and read responses (repeatable).
    #[arg(long, env = "MCP_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,

    /// Another name that requests may have in Host, such as a gateway's or a probe's (repeatable).
    #[arg(long, env = "MCP_ALLOW_HOST", value_name = "NAME", value_delimiter = ',', value_parser = non_empty)]
    pub allow_host: Vec<String>,

    /// Folder of the key pair; it is generated there when it is first needed.
    #[arg(long, env = "MCP_KEYS_DIR", default_value = "keys", value_name = "FOLDER")]
    pub keys_dir: PathBuf,

    /// The development authorization server.
    #[command(flatten)]
    authorization_server: AuthorizationServerArgs,

    /// Secret of 32 characters or more that replicas share, so that each accepts the sessions and confirmations of the
    /// others. Set it in the environment or a file. [default: a new one at every start]
    #[arg(
        long,
        env = "MCP_SIGNING_SECRET",
        hide_env_values = true,
        value_parser = Sensitive::LONG_SECRET,
        value_name = "SECRET"
    )]
    pub signing_secret: Option<SecretString>,

    /// What to log: error, warn, info, debug, trace, or a filter such as mcp_auth=debug.
    #[arg(long, env = "RUST_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// Format of log lines.
    #[arg(long, env = "MCP_LOG_FORMAT", default_value = "text", value_enum, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Port for Prometheus on 127.0.0.1, path /metrics; 0 picks a free one. [default: none]
    #[arg(long, env = "MCP_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<u16>,

    /// Check the health of the server that runs at this host and port, and exit with 0 or 1.
    #[arg(long)]
    pub check_health: bool,

    /// File with lines NAME=value, for settings that neither the command line nor the environment gives.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,

    /// The identity provider.
    #[command(flatten)]
    provider: ProviderArgs,

    /// One more identity provider, described by a file with the variables of this section (repeatable).
    #[arg(
        long,
        env = "PROVIDER_FILES",
        value_delimiter = ',',
        value_name = "FILE",
        help_heading = provider::HEADING
    )]
    provider_file: Vec<PathBuf>,

    #[arg(skip)]
    more_providers: Vec<ProviderConfig>,

    /// The API that a tool calls.
    #[command(flatten)]
    downstream: DownstreamArgs,

    /// Limits.
    #[command(flatten)]
    pub limits: Limits,

    #[arg(skip)]
    pub(crate) file: EnvFile,
}

impl Cli {
    /// Parses the command line, the environment and the file; ends the process after `--help` or an error.
    pub fn read(program: &ProgramInfo) -> Self {
        Self::parse_from(program, std::env::args_os().collect())
            .unwrap_or_else(|error| error.exit())
    }

    fn parse_from(
        program: &ProgramInfo,
        mut arguments: Vec<OsString>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command()
            .about(program.title.clone())
            .long_about(format!(
                "{}\n\n{}\n\nAdds: {}\nSpec: {}",
                program.title, program.summary, program.adds, program.specs
            ))
            .after_help(EXAMPLES);
        command = command.mut_args(|argument| {
            let hidden = !help::is_used(program, &argument);
            argument.hide(hidden)
        });
        // Settings that belong together may come from several places: only all of them show whether one is missing.
        let (is_complete, matches) = match command.try_get_matches_from_mut(&arguments) {
            Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
                let lenient = command.clone().ignore_errors(true);
                (false, lenient.try_get_matches_from(&arguments)?)
            }
            result => (true, result?),
        };
        let named = matches.get_one::<PathBuf>("env").cloned();
        let default = Some(&program.default_env_file).filter(|file| !file.is_empty());
        let Some(path) = named.clone().or(default.map(PathBuf::from)) else {
            let mut cli = Self::from_arg_matches(&command.try_get_matches_from_mut(&arguments)?)?;
            cli.read_provider_files(&mut command)?;
            return Ok(cli);
        };
        let mut file = EnvFile::read(&path, named.is_some())
            .map_err(|error| command.error(ErrorKind::ValueValidation, error))?;
        let more = file.arguments(&command, &matches);
        let first = arguments.len().min(1);
        arguments.splice(first..first, more);
        // An error of the command line alone was returned above, so this one is the file's.
        let merged = command.clone().try_get_matches_from(arguments).map_err(|error| {
            if !is_complete && error.kind() == ErrorKind::MissingRequiredArgument {
                return error;
            }
            let text = error.to_string().replacen("error: ", "", 1);
            let detail = text.split("\n\nUsage").next().unwrap_or(&text).trim_end();
            command.error(error.kind(), format!("in {}: {detail}", path.display()))
        })?;
        let mut cli = Self { file, ..Self::from_arg_matches(&merged)? };
        cli.provider.drop_overridden(|id| precedence(&matches, id));
        cli.read_provider_files(&mut command)?;
        Ok(cli)
    }

    fn read_provider_files(&mut self, command: &mut Command) -> Result<(), clap::Error> {
        let read = |path: &PathBuf| {
            provider::read_file(path)
                .map_err(|message| command.error(ErrorKind::ValueValidation, message))
        };
        self.more_providers = self.provider_file.iter().map(read).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// The settings of the server that listens on `port`.
    pub fn into_config(self, program: ProgramInfo, port: u16) -> Config {
        let public_url = self.public_url.unwrap_or_else(|| PublicUrl::localhost(port));
        let origins = AllowedOrigins::new(self.allow_origin, &public_url.to_url())
            .allow_hosts(self.allow_host);
        let program = program.running(public_url.as_str(), &self.keys_dir);
        let mut providers = vec![self.provider.resolve()];
        providers.extend(self.more_providers);
        for provider in providers.iter().filter(|provider| !provider.has_keys_at_issuer()) {
            let (issuer, jwks_url) = (&provider.issuer, &provider.jwks_url);
            tracing::warn!(issuer, jwks_url, "issuer and JWKS URL are on different servers");
        }
        Config {
            program,
            host: self.host,
            public_url,
            origins,
            keys_dir: self.keys_dir,
            signing_secret: self.signing_secret,
            authorization_server: self.authorization_server.into(),
            providers,
            downstream: self.downstream.resolve(),
            limits: self.limits,
        }
    }
}

/// How close to the user a setting was given: the command line is closer than the environment, that than a file.
fn precedence(matches: &ArgMatches, id: &str) -> u8 {
    match matches.value_source(id) {
        Some(ValueSource::CommandLine) => 2,
        Some(ValueSource::EnvVariable) => 1,
        _ => 0,
    }
}

const EXAMPLES: &str = "\
Examples:
  --port 0                                pick a free port; the line `listening on` shows it
  --public-url https://mcp.example.com    behind a proxy that terminates TLS
  --allow-origin https://app.example.com  let a web application send requests
  --log debug                             log more
  --log info,access=debug --log-format json
                                          one JSON line for every request";

/// The configuration that an application is built from.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program's header.
    pub program: ProgramInfo,
    /// The address that it listens on.
    pub host: IpAddr,
    /// The URL at which clients reach it.
    pub public_url: PublicUrl,
    /// The pages that may send requests.
    pub origins: AllowedOrigins,
    /// Folder of the key pair.
    pub keys_dir: PathBuf,
    signing_secret: Option<SecretString>,
    /// The development authorization server.
    pub authorization_server: Settings,
    /// The identity providers, for a server that is not its own authorization server.
    pub providers: Vec<ProviderConfig>,
    /// The API that a tool calls as the user; `None` for a server that calls none.
    pub downstream: Option<DownstreamConfig>,
    /// Limits on what clients can take.
    pub limits: Limits,
}

impl Config {
    /// The secret that replicas share; `None` for a server without replicas.
    pub fn signing_secret(&self) -> Option<&str> {
        self.signing_secret.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The identity providers as the settings describe them; nothing is fetched yet.
    ///
    /// # Errors
    /// When the tokens or documents of one cannot be used, or when two contradict each other.
    pub fn identity_providers(&self) -> Result<IdentityProviders, ProviderError> {
        let providers = self.providers.iter().map(ProviderConfig::identity_provider);
        IdentityProviders::new(providers.collect::<Result<Vec<_>, _>>()?)
    }
}

#[cfg(test)]
mod tests;
