//! The server's own RSA key pair: signs tokens, and publishes its public half as a JWKS.
//!
//! Specs: RFC 7517 (JWK Set), RFC 7518 section 3.3 (RS256, at least 2048 bits), PKCS#8 (RFC 5958) and SPKI (RFC
//! 5280) in PEM (RFC 7468).

mod error;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use axum::Router;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::{
    RsaPrivateKey, RsaPublicKey,
    pkcs1::EncodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding},
    rand_core::OsRng,
    traits::PublicKeyParts,
};
use serde::Serialize;

use super::{
    metadata::json_document,
    verify::jwks::{Jwk, JwkSet},
};

pub use error::KeyError;

/// The `kid` of the key.
pub const KEY_ID: &str = "mcp-key-1";

const BITS: usize = 2048;
const PRIVATE: &str = "mcp_private_key.pem";
const PUBLIC: &str = "mcp_public_key.pem";

/// An RSA key pair for RS256. `Debug` shows the public half only.
#[derive(Clone)]
pub struct KeyPair {
    signing: EncodingKey,
    public: RsaPublicKey,
}

impl KeyPair {
    /// The pair in `folder`; generated there when neither file exists.
    ///
    /// # Errors
    /// When a file is missing, unreadable, readable by other users, not RSA, or does not belong to the other one. The
    /// error names the file and the command that fixes it.
    pub fn load_or_create(folder: &Path) -> Result<Self, KeyError> {
        let (private, public) = (folder.join(PRIVATE), folder.join(PUBLIC));
        match (private.exists(), public.exists()) {
            (false, false) => Self::create(folder).or_else(|error| match error {
                // Another process generated the pair at the same moment.
                KeyError::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                    Self::load(folder)
                }
                error => Err(error),
            }),
            (false, true) => Err(KeyError::Missing(private)),
            (true, _) => Self::load(folder),
        }
    }

    /// Generates a pair and writes it to `folder` as `mcp_private_key.pem` (mode 0600) and `mcp_public_key.pem`.
    ///
    /// # Errors
    /// When there is a private key already, or the folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self, KeyError> {
        let write = |path: PathBuf| move |source| KeyError::Write { path, source };
        fs::create_dir_all(folder).map_err(write(folder.to_owned()))?;
        let private = RsaPrivateKey::new(&mut OsRng, BITS).map_err(|_| KeyError::Generate)?;
        let pem = private.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Generate)?;
        let path = folder.join(PRIVATE);
        persist(folder, &path, pem.as_bytes(), false).map_err(write(path))?;
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| KeyError::Generate)?;
        let path = folder.join(PUBLIC);
        persist(folder, &path, pem.as_bytes(), true).map_err(write(path))?;
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        tracing::info!(folder = %folder.display(), bits = BITS, "generated RSA key pair");
        Self::new(&private)
    }

    /// Removes the pair in `folder`.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(folder: &Path) -> Result<(), KeyError> {
        for path in [folder.join(PRIVATE), folder.join(PUBLIC)] {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(KeyError::Write { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn load(folder: &Path) -> Result<Self, KeyError> {
        // Absolute, so that errors and logs say which of several folders it is.
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let path = folder.join(PRIVATE);
        let pem = read(&path)?;
        check_mode(&path)?;
        let private =
            RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::InvalidPem(path))?;
        let path = folder.join(PUBLIC);
        let public = RsaPublicKey::from_public_key_pem(&read(&path)?)
            .map_err(|_| KeyError::InvalidPem(path.clone()))?;
        if private.to_public_key() != public {
            return Err(KeyError::Mismatch(path));
        }
        if public.size() * 8 < BITS {
            return Err(KeyError::TooShort(path));
        }
        tracing::info!(folder = %folder.display(), "loaded RSA key pair");
        Self::new(&private)
    }

    fn new(private: &RsaPrivateKey) -> Result<Self, KeyError> {
        let der = private.to_pkcs1_der().map_err(|_| KeyError::Generate)?;
        let signing = EncodingKey::from_rsa_der(der.as_bytes());
        Ok(Self { signing, public: private.to_public_key() })
    }

    /// `GET /.well-known/jwks.json`. Scripts of any origin may read it, since it is public.
    pub fn routes(&self) -> Router {
        Router::new().route("/.well-known/jwks.json", json_document(&self.jwks()))
    }

    /// The public half as a JWK Set.
    pub fn jwks(&self) -> JwkSet {
        JwkSet::from_iter([Jwk {
            kty: "RSA".to_owned(),
            public_key_use: Some("sig".to_owned()),
            kid: Some(KEY_ID.to_owned()),
            alg: Some("RS256".to_owned()),
            n: Some(URL_SAFE_NO_PAD.encode(self.public.n().to_bytes_be())),
            e: Some(URL_SAFE_NO_PAD.encode(self.public.e().to_bytes_be())),
            ..Jwk::default()
        }])
    }

    /// A JWT (RFC 7519) with RS256: `typ` is `JWT`, or `at+jwt` for an access token by RFC 9068.
    ///
    /// # Errors
    /// When the claims cannot be serialized.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(KEY_ID.to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, claims, &self.signing).map_err(|_| KeyError::Sign)
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("kid", &KEY_ID).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(KeyError::Missing(path.to_owned()))
        }
        Err(source) => Err(KeyError::Read { path: path.to_owned(), source }),
    }
}

/// # Errors
/// When other users can read the file.
#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path);
    let metadata = metadata.map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Writes a new file, completely or not at all.
fn persist(folder: &Path, path: &Path, content: &[u8], world_readable: bool) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?; // made with mode 0600
    file.write_all(content)?;
    #[cfg(unix)]
    if world_readable {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_generated_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = KeyPair::load_or_create(folder.path()).unwrap();
        let second = KeyPair::load_or_create(folder.path()).unwrap();
        assert_eq!(first.public, second.public);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(PRIVATE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_pair_is_an_error_with_the_file_and_the_command_that_fixes_it() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join(PRIVATE), folder.path().join(PUBLIC));
        KeyPair::create(folder.path()).unwrap();
        let [good_private, good_public] =
            [&private, &public].map(|path| fs::read_to_string(path).unwrap());
        let message = || KeyPair::load_or_create(folder.path()).unwrap_err().to_string();

        for spoiled in [
            "",
            "-----BEGIN PRIVATE KEY-----\n",
            &good_private[..good_private.len() / 2],
            &good_public,
        ] {
            fs::write(&private, spoiled).unwrap();
            assert!(message().contains("mcp_private_key.pem is not an RSA key"), "{}", message());
            let folder = folder.path().canonicalize().unwrap();
            let command = format!("gen-token -- --generate-keys --keys-dir '{}'", folder.display());
            assert!(message().contains(&command), "{}", message());
        }
        fs::remove_file(&private).unwrap();
        assert!(message().contains("mcp_private_key.pem is missing"));

        persist(folder.path(), &private, good_private.as_bytes(), false).unwrap();
        fs::remove_file(&public).unwrap();
        assert!(message().contains("mcp_public_key.pem is missing"));
        let other = RsaPrivateKey::new(&mut OsRng, 1024).unwrap().to_public_key();
        fs::write(&public, other.to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
        assert!(message().contains("does not belong"));
    }

    #[cfg(unix)]
    #[test]
    fn a_private_key_that_others_can_read_is_an_error_with_the_command_that_fixes_it() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        KeyPair::create(folder.path()).unwrap();
        let private = folder.path().join(PRIVATE).canonicalize().unwrap();
        for (mode, accepted) in [(0o644, false), (0o640, false), (0o660, false), (0o400, true)] {
            fs::set_permissions(&private, fs::Permissions::from_mode(mode)).unwrap();
            let result = KeyPair::load_or_create(folder.path());
            assert_eq!(result.is_ok(), accepted, "{mode:o}");
            if let Err(error) = result {
                let command = format!("chmod 600 '{}'", private.display());
                assert!(error.to_string().ends_with(&command), "{error}");
            }
        }
    }
}
