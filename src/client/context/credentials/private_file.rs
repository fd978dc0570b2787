//! A file for its owner only, replaced as a whole.
//!
//! Specs: MCP authorization "Token Theft" (OAuth 2.1, 7.1: stored tokens are kept from others).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Writes a new file beside the old one (0600 from the start) and renames it: readers see the old or the new text.
pub(crate) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    create_folder(path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Creates the folder of a file, for its owner only.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Makes a new file readable and writable by its owner only.
pub(crate) fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Refuses a file that others can read, as ssh does: it may have been read already.
pub(crate) fn check_permissions(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "other users can read it; run: chmod 600 {}",
            path.display()
        )));
    }
    Ok(())
}
