//! `--provider-file FILE`: one more identity provider. The file has the variables of the first one's settings, and each
//! provider its own issuer, audiences, scopes and claims.

use std::path::Path;

use clap::{Args, Command, FromArgMatches, builder::Resettable, parser::ValueSource};

use super::{ProviderArgs, ProviderConfig};
use crate::config::env_file::EnvFile;

/// The provider that this file describes. Neither the command line nor the environment changes it: their settings are the
/// first provider's.
///
/// # Errors
/// When the file cannot be read, or contains anything but settings of one provider. The text names file, variable and line,
/// and never a value that may be secret.
pub(in crate::config) fn read(path: &Path) -> Result<ProviderConfig, String> {
    let command = || ProviderArgs::augment_args(Command::new("provider"));
    let mut file = EnvFile::read(path, true).map_err(|error| error.to_string())?;
    file.require_known(&command()).map_err(|error| error.to_string())?;
    // Without the environment.
    let silent = || command().mut_args(|argument| argument.env(Resettable::Reset));
    let in_file = |error: clap::Error| {
        let text = error.to_string().replacen("error: ", "", 1);
        format!(
            "in {}: {}",
            path.display(),
            text.split("\n\nUsage").next().unwrap_or(&text).trim_end()
        )
    };
    let defaults = silent().try_get_matches_from(["provider"]).map_err(in_file)?;
    let arguments = file.arguments(&command(), &defaults);
    let arguments = std::iter::once("provider".into()).chain(arguments);
    let matches = silent().try_get_matches_from(arguments).map_err(in_file)?;
    // The defaults are the first provider's: a file that names none must not make this server trust a local Keycloak.
    let is_set = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    if !["issuer", "keycloak_url", "keycloak_realm"].into_iter().any(is_set) {
        return Err(format!("{} names no provider; set JWT_ISSUER", path.display()));
    }
    Ok(ProviderArgs::from_arg_matches(&matches).map_err(in_file)?.resolve())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(lines: &str) -> Result<ProviderConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("more.env");
        std::fs::write(&path, lines).unwrap();
        read(&path)
    }

    #[test]
    fn a_file_describes_a_provider_with_the_variables_of_the_first_one() {
        let config = read_lines(
            "# Partners\nJWT_ISSUER=https://partner.example.org/\nJWT_AUDIENCE=notes,\"more notes\"\n\
             MCP_SCOPES=api://id/mcp:read\nJWT_ROLE_CLAIMS=https://partner.example.org/roles\n\
             JWKS_URL=https://partner.example.org/keys\nJWT_LEEWAY=0\nJWT_REQUIRE_AT_JWT=true\n\
             INTROSPECTION_CLIENT_ID=me\nINTROSPECTION_CLIENT_SECRET=hush\n",
        )
        .unwrap();
        assert_eq!(config.issuer, "https://partner.example.org/");
        assert_eq!(config.audiences, ["notes", "more notes"]);
        assert_eq!(config.scopes, ["api://id/mcp:read"]);
        assert_eq!(config.role_claims, ["https://partner.example.org/roles"]);
        assert_eq!(config.jwks_url.as_deref(), Some("https://partner.example.org/keys"));
        assert!(config.leeway.is_zero() && config.require_at_jwt && config.introspection.is_some());
    }

    #[test]
    fn what_is_no_setting_of_a_provider_is_named_with_its_line_and_without_its_value() {
        for (lines, expected) in [
            (
                "JWT_ISSUER=https://a.test\n\nMCP_SIGNING_SECRET=hush\n",
                "line 3: MCP_SIGNING_SECRET",
            ),
            ("export PROVIDER_FILES=hush\n", "line 1: PROVIDER_FILES is not a setting of"),
            ("A_LINE_OF_HUSH\n", "the line at its start is not NAME=value"),
            ("JWT_ISSUER=https://a.test\nJWT_ISSUER=https://hush.test\n", "sets JWT_ISSUER twice"),
            ("JWT_ISSUER=https://me:hush@a.test\n", "more.env: invalid value for '--issuer <URL>'"),
            ("INTROSPECTION_CLIENT_SECRET=hush\n", "--introspection-client-id"),
            (
                "JWT_AUDIENCE=hush\n# JWT_ISSUER=https://a.test\n",
                "names no provider; set JWT_ISSUER",
            ),
            ("", "names no provider; set JWT_ISSUER"),
        ] {
            let message = read_lines(lines).unwrap_err();
            assert!(message.contains("more.env") && message.contains(expected), "{message}");
            assert!(!message.to_lowercase().contains("hush"), "{message}");
        }
        let message = read(Path::new("no-such.env")).unwrap_err();
        assert!(message.starts_with("cannot read no-such.env"), "{message}");
    }
}
