//! What `--help` shows: the settings that a program uses.

use clap::Arg;

use super::{downstream, provider};
use crate::program::ProgramInfo;

/// Settings that some programs do not use, and what the source of those that do contains.
const USED_BY: [(&str, &str); 5] = [
    ("keys_dir", "config.keys_dir"),
    ("allow_local_client_metadata", "config.authorization_server"),
    ("enterprise_issuer", "config.authorization_server"),
    ("signing_secret", "config.signing_secret"),
    ("token_cache_bytes", "config.limits.token_cache_bytes"),
];

/// Whether this program uses the setting, for `--help`. Of a program without source every setting is shown.
pub(super) fn is_used(program: &ProgramInfo, argument: &Arg) -> bool {
    // A program without a default file of settings does not use an identity provider.
    let heading = argument.get_help_heading();
    if let Some(provider::HEADING | downstream::HEADING) = heading {
        return !program.default_env_file.is_empty();
    }
    let used_by = USED_BY.iter().find(|(id, _)| argument.get_id() == *id);
    program.code.is_empty() || used_by.is_none_or(|(_, code)| program.code.contains(code))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::Cli;

    fn shown(code: &str, env_file: &str) -> Vec<String> {
        let program = ProgramInfo {
            code: code.to_owned(),
            default_env_file: env_file.to_owned(),
            ..ProgramInfo::default()
        };
        let command = Cli::command();
        let shown = command.get_arguments().filter(|argument| is_used(&program, argument));
        shown.map(|argument| argument.get_id().to_string()).collect()
    }

    #[test]
    fn a_setting_is_shown_if_the_source_of_the_program_uses_it() {
        let known =
            |id: &str| Cli::command().get_arguments().any(|argument| argument.get_id() == id);
        for (id, code) in USED_BY {
            assert!(known(id), "{id} is no setting");
            for (code, env_file, expected) in
                [(code, "", true), ("fn main", "", false), ("", "", true)]
            {
                assert_eq!(shown(code, env_file).contains(&id.to_owned()), expected, "{id} {code}");
            }
        }
        for id in ["issuer", "provider_file", "downstream_url"] {
            assert!(known(id), "{id} is no setting");
            let used = |env_file: &str| shown("fn main", env_file).contains(&id.to_owned());
            assert!(used("my.env") && !used(""), "{id}");
        }
        assert!(shown("fn main", "").contains(&"port".to_owned()));
    }
}
