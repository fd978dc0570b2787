//! `--env FILE`: lines `NAME=value`, as a shell would read them. The file fills in what neither the command line nor
//! the environment says; nothing is written into the environment of the process.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command, parser::ValueSource};

/// What was found in a file of settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvFile {
    path: PathBuf,
    missing: bool,
    variables: Vec<(String, String)>,
    unknown: Vec<String>,
}

impl EnvFile {
    /// Reads the file. A file that is not there is an empty one, see [`EnvFile::log`].
    ///
    /// # Errors
    /// When it cannot be read, a line is no `NAME=value`, or a name stands there twice. The line's number is named,
    /// its text is not: it may be a secret.
    pub(crate) fn read(path: &Path) -> Result<Self, EnvFileError> {
        let file = Self { path: path.to_owned(), ..Self::default() };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self { variables: parse(path, &text)?, ..file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { missing: true, ..file })
            }
            Err(source) => Err(EnvFileError::Read { path: path.to_owned(), source }),
        }
    }

    /// The file's settings as arguments of `command`, without those that `matches` was already given.
    pub(crate) fn arguments(&mut self, command: &Command, matches: &ArgMatches) -> Vec<OsString> {
        let mut arguments = Vec::new();
        // Once they are arguments they are kept nowhere else: among them are secrets.
        for (name, value) in std::mem::take(&mut self.variables) {
            let argument = command
                .get_arguments()
                .find(|argument| argument.get_env().is_some_and(|env| env == name.as_str()));
            let Some((argument, long)) = argument.and_then(|a| Some((a, a.get_long()?))) else {
                self.unknown.push(name);
                continue;
            };
            let given = matches.value_source(argument.get_id().as_str());
            let given = matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable));
            // `NAME=` leaves it at the default.
            if !given && !value.is_empty() {
                arguments.push(format!("--{long}={value}").into());
            }
        }
        arguments
    }

    /// Says where the settings came from, once there is a log to say it in.
    pub(crate) fn log(&self) {
        let file = self.path.display();
        if self.missing {
            tracing::warn!(
                %file,
                "no such file of settings, going on with the environment and the defaults"
            );
        } else if !self.path.as_os_str().is_empty() {
            tracing::info!(%file, "settings read");
        }
        for name in &self.unknown {
            tracing::warn!(%file, name, "unknown setting, see --help");
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut variables: Vec<(String, String)> = Vec::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = variable.map_err(|error| {
            let last = variables.last().map(|(name, _)| name.as_str());
            EnvFileError::Malformed { path: path.to_owned(), line: line_of(text, last, &error) }
        })?;
        if variables.iter().any(|(known, _)| *known == name) {
            return Err(EnvFileError::Repeated { path: path.to_owned(), name });
        }
        variables.push((name, value.trim().to_owned()));
    }
    Ok(variables)
}

/// The number of the line that was not understood: the first one with its text behind the last good variable. The
/// reader does not count, and may show only a part of the line.
fn line_of(text: &str, last: Option<&str>, error: &dotenvy::Error) -> usize {
    let culprit = match error {
        dotenvy::Error::LineParse(line, _) => line.lines().next().unwrap_or_default().trim(),
        _ => "",
    };
    let defines = |line: &str, name| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name).is_some_and(|rest: &str| rest.trim_start().starts_with('='))
    };
    let good = last.and_then(|name| text.lines().position(|line| defines(line, name)));
    let after = good.map_or(0, |index| index + 1);
    let bad = text.lines().skip(after).position(|line| line.contains(culprit));
    after + bad.unwrap_or_default() + 1
}

/// Why a file of settings is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// The operating system says no, or it is not text.
    #[error("cannot read {} ({source}); choose another file with --env", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not `NAME=value`.
    #[error("{} line {line} is not NAME=value; put a value with blanks in quotes", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// Which of two counts would be a guess.
    #[error("{} sets {name} twice; remove one of the lines", .path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        parse(Path::new("my.env"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_read_as_a_shell_reads_them() {
        for (name, text, expected) in [
            ("plain", "A_B=http://localhost:8080\n", "http://localhost:8080"),
            ("the last line without its end", "A_B=x", "x"),
            ("trailing blanks", "A_B=x \t \n", "x"),
            ("trailing blanks in quotes", "A_B=\"x  \"\n", "x"),
            ("line ends of Windows", "A_B=x\r\nC=y\r\n", "x"),
            ("a byte order mark", "\u{feff}A_B=x\n", "x"),
            ("a comment behind it", "# first\n\nA_B=x # why\n", "x"),
            ("quoted", "export A_B='a $b c'\n", "a $b c"),
            ("an earlier line in it", "A=h\nA_B=${A}/realms\n", "h/realms"),
            ("nothing", "A_B=\n", ""),
        ] {
            let variables = read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let found = variables.iter().find(|(variable, _)| variable == "A_B");
            assert_eq!(found.map(|(_, value)| value.as_str()), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number_and_never_shown() {
        for (text, expected) in [
            ("A=1\nsecret words here\n", "my.env line 2 is not NAME=value"),
            ("A=1\n\n# x\nB=two words\n", "my.env line 4 is not NAME=value"),
            ("A='open\nB=1\n", "my.env line 1 is not NAME=value"),
            ("=x\n", "my.env line 1 is not NAME=value"),
            ("A=1\nB=2\nA=1\n", "my.env sets A twice"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.starts_with(expected), "{text:?}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
