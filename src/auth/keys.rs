//! Our own key pair: made on first need, kept in a folder that git ignores, used to sign and to publish.
//!
//! Rules: RFC 7517 (the public half as a JWK), RFC 7518 section 3.3 (RS256 wants at least 2048 bits),
//! PKCS#8 (RFC 5958) and SPKI (RFC 5280) in PEM (RFC 7468).

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

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

use super::jwks::{Jwk, JwkSet};

/// The `kid` of the one key that we make.
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
    /// The pair in `folder`; made there when neither half exists.
    ///
    /// # Errors
    /// When a half is missing, unreadable, not RSA, or does not belong to the other. Each names the file and the
    /// command that mends it.
    pub fn load_or_create(folder: &Path) -> Result<Self, KeyError> {
        let (private, public) = (folder.join(PRIVATE), folder.join(PUBLIC));
        match (private.exists(), public.exists()) {
            (false, false) => Self::create(folder).or_else(|error| match error {
                // Another process made the pair at the same moment: use that one.
                KeyError::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                    Self::load(folder)
                }
                error => Err(error),
            }),
            (false, true) => Err(KeyError::Missing(private)),
            (true, _) => Self::load(folder),
        }
    }

    /// A new pair, written to `folder` as `mcp_private_key.pem` (readable by its owner alone) and
    /// `mcp_public_key.pem`.
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
        tracing::info!(folder = %folder.display(), bits = BITS, "made a new key pair");
        Self::new(&private)
    }

    /// Removes the pair in `folder`, so that the next start makes a new one.
    ///
    /// # Errors
    /// When a file is there but cannot be removed.
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
        let path = folder.join(PRIVATE);
        let private =
            RsaPrivateKey::from_pkcs8_pem(&read(&path)?).map_err(|_| KeyError::NotAKey(path))?;
        let path = folder.join(PUBLIC);
        let public = RsaPublicKey::from_public_key_pem(&read(&path)?)
            .map_err(|_| KeyError::NotAKey(path.clone()))?;
        if private.to_public_key() != public {
            return Err(KeyError::Strangers(path));
        }
        if public.size() * 8 < BITS {
            return Err(KeyError::TooShort(path));
        }
        Self::new(&private)
    }

    fn new(private: &RsaPrivateKey) -> Result<Self, KeyError> {
        let der = private.to_pkcs1_der().map_err(|_| KeyError::Generate)?;
        let signing = EncodingKey::from_rsa_der(der.as_bytes());
        Ok(Self { signing, public: private.to_public_key() })
    }

    /// The public half, ready to be published at a `jwks_uri`.
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

/// Writes a file whole or not at all, and never over another one.
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

/// Why there is no usable key pair.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// One half is there, the other is not.
    #[error("{} is missing, but its other half is there; make a new pair: cargo run --bin gen-token -- --generate-keys", .0.display())]
    Missing(PathBuf),
    /// The operating system does not let us read it.
    #[error("cannot read {}; check its owner and mode, or choose another folder with --keys-dir", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not PEM, not RSA, or cut short.
    #[error("{} is not an RSA key in PEM; make a new pair: cargo run --bin gen-token -- --generate-keys", .0.display())]
    NotAKey(PathBuf),
    /// The halves belong to different pairs.
    #[error("{} does not belong to the private key beside it; make a new pair: cargo run --bin gen-token -- --generate-keys", .0.display())]
    Strangers(PathBuf),
    /// RS256 wants 2048 bits or more (RFC 7518, 3.3).
    #[error("{} has fewer than 2048 bits; make a new pair: cargo run --bin gen-token -- --generate-keys", .0.display())]
    TooShort(PathBuf),
    /// The folder is read-only, full, or not a folder.
    #[error("cannot write {}; choose another folder with --keys-dir", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The machine gave no randomness, or the key could not be encoded.
    #[error("cannot make an RSA key pair on this machine")]
    Generate,
    /// The claims are no JSON object.
    #[error("cannot sign these claims")]
    Sign,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_made_once_and_kept_private() {
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
    fn a_spoiled_pair_stops_with_the_file_and_the_command_that_mends_it() {
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
            assert!(message().contains("gen-token -- --generate-keys"));
        }
        fs::remove_file(&private).unwrap();
        assert!(message().contains("mcp_private_key.pem is missing"));

        fs::write(&private, good_private).unwrap();
        fs::remove_file(&public).unwrap();
        assert!(message().contains("mcp_public_key.pem is missing"));
        let other = RsaPrivateKey::new(&mut OsRng, 1024).unwrap().to_public_key();
        fs::write(&public, other.to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
        assert!(message().contains("does not belong"));
    }
}
