//! A file for its owner alone, written whole or not at all.
//!
//! Rules: MCP authorization "Token Theft" (OAuth 2.1, 7.1: stored tokens are kept from others).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// A new file beside the old one (0600 from the start), then one rename: a reader sees the old or the new.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    folder(path)?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(beside)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The folder of a file, made if need be, for its owner only.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes a new file readable and writable by its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A file that others could read may have been read: refuse it, as ssh does.
pub(crate) fn only_ours(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "others may read it; delete it and log in again, or run: chmod 600 {}",
            path.display()
        )));
    }
    Ok(())
}
