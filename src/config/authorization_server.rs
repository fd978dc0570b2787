//! The development authorization server.

use clap::Args;

use super::values::{Issuer, Sensitive};
use crate::authorization_server::Settings;

#[derive(Debug, Args)]
pub(super) struct AuthorizationServerArgs {
    /// Let the development authorization server fetch client metadata documents from this machine, over http too.
    #[arg(long, env = "MCP_ALLOW_LOCAL_CLIENT_METADATA")]
    allow_local_client_metadata: bool,

    /// Issuer of an enterprise identity provider: the development authorization server exchanges its identity assertions
    /// (ID-JAG) for access tokens. [default: none]
    #[arg(long, env = "MCP_ENTERPRISE_ISSUER", value_parser = Sensitive::ISSUER, value_name = "URL")]
    enterprise_issuer: Option<Issuer>,
}

impl From<AuthorizationServerArgs> for Settings {
    fn from(arguments: AuthorizationServerArgs) -> Self {
        Self {
            allow_local_client_metadata: arguments.allow_local_client_metadata,
            enterprise_provider: arguments.enterprise_issuer.map(Issuer::into_provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        arguments: AuthorizationServerArgs,
    }

    #[test]
    fn an_enterprise_provider_is_reached_over_https_or_on_this_machine() {
        let parse = |issuer: &str| Only::try_parse_from(["server", "--enterprise-issuer", issuer]);
        for issuer in ["https://idp.example/realms/corp", "http://localhost:8080/realms/corp"] {
            let settings: Settings = parse(issuer).unwrap().arguments.into();
            assert_eq!(settings.enterprise_provider.unwrap().issuer(), issuer);
        }
        for (issuer, expected) in [
            ("http://idp.example/realms/corp", "use https"),
            ("idp.example", "it is no URL"),
            ("https://idp.example/?tenant=1", "an issuer has no query"),
        ] {
            let error = parse(issuer).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = parse("http://me:hush@idp.example").unwrap_err().to_string();
        assert!(error.contains("--enterprise-issuer") && !error.contains("'http"), "{error}");
        let settings: Settings = Only::try_parse_from(["server"]).unwrap().arguments.into();
        assert!(settings.enterprise_provider.is_none() && !settings.allow_local_client_metadata);
    }
}
