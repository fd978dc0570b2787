//! Why there is no usable key pair, and the command that fixes it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why there is no usable key pair.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// One of the two files is missing.
    #[error("{} is missing, but the other half of the key pair is there; {}", .0.display(), generate(.0))]
    Missing(PathBuf),
    /// The operating system does not allow to read it.
    #[error("cannot read {}; check its owner and mode, or choose another folder with --keys-dir", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other users can read the private key, and anyone with it can impersonate any user.
    #[error("other users can read {0} (mode {1:04o}); run: chmod 600 '{0}'", .path.display(), .mode)]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not PEM, not RSA, or truncated.
    #[error("{} is not an RSA key in PEM; {}", .0.display(), generate(.0))]
    InvalidPem(PathBuf),
    /// The files belong to different pairs.
    #[error("{} does not belong to the private key beside it; {}", .0.display(), generate(.0))]
    Mismatch(PathBuf),
    /// RS256 requires 2048 bits or more (RFC 7518, 3.3).
    #[error("{} has fewer than 2048 bits; {}", .0.display(), generate(.0))]
    TooShort(PathBuf),
    /// The folder is read-only, full, or not a folder.
    #[error("cannot write {}; choose another folder with --keys-dir", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No randomness, or the key could not be encoded.
    #[error("cannot generate an RSA key pair on this machine")]
    Generate,
    /// The claims cannot be serialized.
    #[error("cannot sign these claims")]
    Sign,
}

/// The command that replaces the key pair of which this file is a part.
fn generate(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).display();
    format!(
        "generate a new pair: cargo run --bin gen-token -- --generate-keys --keys-dir '{folder}'"
    )
}
