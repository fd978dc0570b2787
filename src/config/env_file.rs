//! `--env FILE`: lines `NAME=value` for settings that neither the command line nor the environment gives. They become
//! arguments of the command line, not variables of the process.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command, parser::ValueSource};

/// A file of settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvFile {
    path: PathBuf,
    missing: bool,
    variables: Vec<Variable>,
    unknown: Vec<String>,
}

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    value: String,
    /// Where it is, counted from 1.
    line: usize,
}

impl EnvFile {
    /// Reads the file; a missing one counts as empty unless it is `required`.
    ///
    /// # Errors
    /// When it cannot be read, or is not a list of `NAME=value` with each name once. Errors do not show its lines,
    /// which may be secrets.
    pub(crate) fn read(path: &Path, required: bool) -> Result<Self, EnvFileError> {
        let file = Self { path: path.to_owned(), ..Self::default() };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self { variables: parse(path, &text)?, ..file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
                Ok(Self { missing: true, ..file })
            }
            Err(source) => Err(EnvFileError::Read { path: path.to_owned(), source }),
        }
    }

    /// # Errors
    /// When there is a variable that is no setting of `command`.
    pub(crate) fn require_known(&self, command: &Command) -> Result<(), EnvFileError> {
        let unknown = self.variables.iter().find(|variable| {
            !command.get_arguments().any(|a| a.get_env().is_some_and(|env| env == &*variable.name))
        });
        match unknown {
            None => Ok(()),
            Some(Variable { name, line, .. }) => Err(EnvFileError::Unknown {
                path: self.path.clone(),
                name: name.clone(),
                line: *line,
            }),
        }
    }

    /// The settings as arguments of `command`, without those that `matches` has from elsewhere.
    pub(crate) fn arguments(&mut self, command: &Command, matches: &ArgMatches) -> Vec<OsString> {
        let mut arguments = Vec::new();
        // Taken, because secrets should not stay in memory twice.
        for Variable { name, value, .. } in std::mem::take(&mut self.variables) {
            let argument = command
                .get_arguments()
                .find(|argument| argument.get_env().is_some_and(|env| env == name.as_str()));
            let Some((argument, long)) = argument.and_then(|a| Some((a, a.get_long()?))) else {
                self.unknown.push(name);
                continue;
            };
            let source = matches.value_source(argument.get_id().as_str());
            let given = matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable));
            // `NAME=` keeps the default.
            if !given && !value.is_empty() {
                arguments.push(format!("--{long}={value}").into());
            }
        }
        arguments
    }

    /// Logs where the settings came from; called when logging has started.
    pub(crate) fn log(&self) {
        let file = self.path.display();
        if self.missing {
            tracing::info!(%file, "settings file not found, using the environment and the defaults");
        } else if !self.path.as_os_str().is_empty() {
            tracing::info!(%file, "settings read");
        }
        for name in &self.unknown {
            tracing::warn!(%file, name, "unknown setting, see --help");
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Variable>, EnvFileError> {
    let mut variables: Vec<Variable> = Vec::new();
    for variable in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
        // dotenvy's own error contains the text of the line.
        let (name, value) = variable.map_err(|_| EnvFileError::Malformed {
            path: path.to_owned(),
            place: variables
                .last()
                .map_or("at its start".to_owned(), |v| format!("after {}", v.name)),
        })?;
        if variables.iter().any(|known| known.name == name) {
            return Err(EnvFileError::Duplicate { path: path.to_owned(), name });
        }
        let line = line_of(text, &name);
        variables.push(Variable { name, value: value.trim().to_owned(), line });
    }
    Ok(variables)
}

/// The line that sets a variable; dotenvy does not tell.
fn line_of(text: &str, name: &str) -> usize {
    let sets = |line: &str| {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(sets).map_or(0, |index| index + 1)
}

/// A file of settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// It does not exist, cannot be read or is not UTF-8.
    #[error("cannot read {} ({source}); choose another file with --env", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line is not `NAME=value`.
    #[error("{}: the line {place} is not NAME=value; put a value with blanks in quotes", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, by the variable before it.
        place: String,
    },
    /// Not a setting of what the file describes.
    #[error("{}, line {line}: {name} is not a setting of an identity provider", .path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
        /// Where it is, counted from 1.
        line: usize,
    },
    /// It is unclear which of two values is meant.
    #[error("{} sets {name} twice; remove one of the lines", .path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Variable>, String> {
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
            let found = variables.iter().find(|variable| variable.name == "A_B");
            assert_eq!(found.map(|variable| variable.value.as_str()), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_malformed_line_is_located_and_never_shown() {
        for (text, expected) in [
            ("A=1\nsecret words here\n", "my.env: the line after A is not NAME=value"),
            ("A=1\n\n# x\nB=two words\n", "my.env: the line after A is not NAME=value"),
            ("A='open\nB=1\n", "my.env: the line at its start is not NAME=value"),
            ("=x\n", "my.env: the line at its start is not NAME=value"),
            ("A=1\nB=2\nA=1\n", "my.env sets A twice"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.starts_with(expected), "{text:?}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
