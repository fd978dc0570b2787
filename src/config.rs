//! Settings: the command line, then the environment, then a file, then the defaults. The only room that reads them.
//!
//! ```
//! use clap::Parser;
//! use mcp_auth::{program::ProgramInfo, config::Cli};
//!
//! let settings = Cli::parse_from(["server", "--public-url", "https://mcp.example.com"]);
//! let config = settings.into_config(ProgramInfo::default(), 9000);
//! assert_eq!(config.public_url.join("/mcp"), "https://mcp.example.com/mcp");
//! ```

mod env_file;
mod limits;
mod provider;
mod values;

use std::{ffi::OsString, fmt, net::IpAddr, path::PathBuf, str::FromStr};

use clap::{CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use url::Url;

use crate::{
    origin::{AllowedOrigins, Origin},
    program::ProgramInfo,
    telemetry::LogFormat,
};

use env_file::EnvFile;
use provider::ProviderArgs;
use values::Discreet;

pub use limits::Limits;
pub use provider::{IntrospectionConfig, ProviderConfig};
pub use values::Secret;

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

    /// How clients reach this server, without a path. Tokens and documents name it. [default: http://localhost:PORT]
    #[arg(long, env = "MCP_SERVER_URL", value_parser = Discreet::PUBLIC_URL, value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Origin of one more web page that may talk to this server (repeatable).
    #[arg(long, env = "MCP_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub allow_origin: Vec<Origin>,

    /// Folder of the key pair; made there on first need.
    #[arg(long, env = "MCP_KEYS_DIR", default_value = "keys", value_name = "FOLDER")]
    pub keys_dir: PathBuf,

    /// Let the development authorization server fetch client metadata documents from this machine, over http too.
    #[arg(long, env = "MCP_ALLOW_LOCAL_CLIENT_METADATA")]
    pub allow_local_client_metadata: bool,

    /// Secret of 32 characters or more that replicas share: each then knows the sessions and questions of the others.
    /// Better in the environment or a file than on the command line. [default: every start makes its own]
    #[arg(
        long,
        env = "MCP_SIGNING_SECRET",
        hide_env_values = true,
        value_parser = Discreet::LONG_SECRET,
        value_name = "SECRET"
    )]
    pub signing_secret: Option<Secret>,

    /// What to log: error, warn, info, debug, trace, or a filter such as mcp_auth=debug.
    #[arg(long, env = "RUST_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// How log lines are written.
    #[arg(long, env = "MCP_LOG_FORMAT", default_value = "text", value_enum, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Port for Prometheus on 127.0.0.1, path /metrics; 0 picks a free one. [default: none]
    #[arg(long, env = "MCP_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<u16>,

    /// Ask the server that already runs at this host and port whether it is healthy, and end with 0 or 1.
    #[arg(long)]
    pub check_health: bool,

    /// A file with lines NAME=value, for settings that neither the command line nor the environment gives.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,

    /// The identity provider.
    #[command(flatten)]
    provider: ProviderArgs,

    /// Limits.
    #[command(flatten)]
    pub limits: Limits,

    #[arg(skip)]
    pub(crate) file: EnvFile,
}

impl Cli {
    /// Reads the command line, the environment and the file; prints help or an error and ends the process where those
    /// ask for it.
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
        // A program whose header names no file of settings has no use for an identity provider.
        if program.default_env_file.is_empty() {
            command = command.mut_args(|argument| match argument.get_help_heading() {
                Some(provider::HEADING) => argument.hide(true),
                _ => argument,
            });
        }
        let matches = command.try_get_matches_from_mut(&arguments)?;
        let named = matches.get_one::<PathBuf>("env").cloned();
        let default = (!program.default_env_file.is_empty())
            .then(|| PathBuf::from(&program.default_env_file));
        let Some(path) = named.or(default) else {
            return Self::from_arg_matches(&matches);
        };
        let mut file = EnvFile::read(&path)
            .map_err(|error| command.error(ErrorKind::ValueValidation, error))?;
        let more = file.arguments(&command, &matches);
        let first = arguments.len().min(1);
        arguments.splice(first..first, more);
        // The command line was fine without the file, so what is wrong now came from there.
        let matches = command.clone().try_get_matches_from(arguments).map_err(|error| {
            let text = error.to_string().replacen("error: ", "", 1);
            let detail = text.split("\n\nUsage").next().unwrap_or(&text).trim_end();
            command.error(error.kind(), format!("in {}: {detail}", path.display()))
        })?;
        Ok(Self { file, ..Self::from_arg_matches(&matches)? })
    }

    /// The settings of the server that listens on `port`.
    pub fn into_config(self, program: ProgramInfo, port: u16) -> Config {
        let public_url =
            self.public_url.unwrap_or_else(|| PublicUrl(format!("http://localhost:{port}")));
        let origins = AllowedOrigins::new(self.allow_origin, &public_url.to_url());
        Config {
            program,
            host: self.host,
            public_url,
            origins,
            keys_dir: self.keys_dir,
            signing_secret: self.signing_secret,
            allow_local_client_metadata: self.allow_local_client_metadata,
            provider: self.provider.resolve(),
            limits: self.limits,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  --port 0                                pick a free port; the line `listening on` names it
  --public-url https://mcp.example.com    behind a proxy that speaks TLS
  --allow-origin https://app.example.com  let a web application in
  --log debug                             tell more
  --log info,access=debug --log-format json
                                          one line for every request, for machines";

/// What an application is built from.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the program says of itself.
    pub program: ProgramInfo,
    /// The address that it listens on.
    pub host: IpAddr,
    /// How clients reach this server.
    pub public_url: PublicUrl,
    /// The pages that may talk to it.
    pub origins: AllowedOrigins,
    /// Folder of the key pair.
    pub keys_dir: PathBuf,
    /// What replicas seal with; see [`Config::signing_secret`].
    signing_secret: Option<Secret>,
    /// Whether clients may be described by documents on this machine.
    pub allow_local_client_metadata: bool,
    /// Who issues tokens, where that is not us.
    pub provider: ProviderConfig,
    /// How much a client may ask.
    pub limits: Limits,
}

impl Config {
    /// What replicas share, so that each knows what the others gave out; `None` when this server stands alone.
    pub fn signing_secret(&self) -> Option<&str> {
        self.signing_secret.as_ref().map(Secret::reveal)
    }
}

/// `http://localhost:9000`: scheme and authority as they were written, without a path or a trailing slash.
///
/// A string, because identifiers made from it are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of a path on this server.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("checked when it was read")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        let url = Url::parse(text).map_err(|error| format!("not a URL ({error})"))?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && bare {
            Ok(Self(text.to_owned()))
        } else {
            Err("give scheme, host and port only, for example https://mcp.example.com".to_owned())
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_fills_in_what_nobody_said() {
        let folder = tempfile::tempdir().unwrap();
        let read = |lines: &str, more: &[&str]| {
            let path = folder.path().join("my.env");
            std::fs::write(&path, lines).unwrap();
            let arguments = ["server", "--env", path.to_str().unwrap()];
            let arguments = arguments.iter().chain(more).map(OsString::from).collect();
            Cli::parse_from(&ProgramInfo::default(), arguments).map_err(|error| error.to_string())
        };
        let settings =
            read("MCP_KEYS_DIR=elsewhere\nMCP_ALLOW_ORIGIN=http://a.test,http://b.test\n", &[]);
        let settings = settings.unwrap();
        assert_eq!(settings.keys_dir, PathBuf::from("elsewhere"));
        assert_eq!(settings.allow_origin.len(), 2);
        let settings =
            read("MCP_KEYS_DIR=elsewhere\nKEYCLOAK_REALM=\n", &["--keys-dir", "here"]).unwrap();
        assert_eq!(settings.keys_dir, PathBuf::from("here"));
        assert!(settings.provider.resolve().issuer.ends_with("/realms/mcp-realm"));

        let message = read("JWT_ISSUER=localhost\n", &[]).unwrap_err();
        assert!(message.contains("my.env: invalid value 'localhost' for '--issuer"), "{message}");
        let message = read("JWT_ISSUER\n", &[]).unwrap_err();
        assert!(message.contains("my.env line 1 is not NAME=value"), "{message}");
    }

    #[test]
    fn a_missing_file_is_no_error_and_an_unknown_name_is_remembered() {
        let program =
            ProgramInfo { default_env_file: "no-such.env".to_owned(), ..ProgramInfo::default() };
        let settings = Cli::parse_from(&program, vec!["server".into()]).unwrap();
        assert!(format!("{:?}", settings.file).contains("missing: true"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.env");
        std::fs::write(&path, "JWT_AUDENCE=x\n").unwrap();
        let arguments = ["server".into(), "--env".into(), path.into()];
        let settings = Cli::parse_from(&program, arguments.to_vec()).unwrap();
        assert!(format!("{:?}", settings.file).contains(r#"unknown: ["JWT_AUDENCE"]"#));
    }

    #[test]
    fn a_public_url_is_kept_as_it_was_written() {
        for (text, expected) in [
            ("http://localhost:9000", Some("http://localhost:9000")),
            ("https://mcp.example.com/ ", Some("https://mcp.example.com")),
            ("https://mcp.example.com/path", None),
            ("https://user@mcp.example.com", None),
            ("ftp://mcp.example.com", None),
            ("mcp.example.com", None),
        ] {
            assert_eq!(
                text.parse::<PublicUrl>().ok().as_ref().map(PublicUrl::as_str),
                expected,
                "{text}"
            );
        }
    }
}
