//! A provider whose certificate is from a private CA.

use std::sync::Arc;

use mcp_auth::test_support::{Provider, SigningKey};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use crate::support::Server;

/// TLS in front of the provider: its origin, and the certificate of the CA as PEM.
async fn tls_proxy(provider: &Provider) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let plain = provider.origin.replace("http://", "");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(mut client) = acceptor.accept(client).await else { continue };
            let mut provider = TcpStream::connect(&plain).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut provider).await;
            });
        }
    });
    (origin, made.cert.pem())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_private_ca_is_trusted_when_ssl_cert_file_names_it() {
    let key = SigningKey::new(jsonwebtoken::Algorithm::RS256, "current");
    let provider = Provider::start(&[&key]).await;
    let (origin, ca) = tls_proxy(&provider).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ca).unwrap();
    let issuer = format!("{origin}/realms/test");
    let flags = ["--issuer", &issuer, "--jwks-url", &format!("{issuer}/keys")];
    for (environment, available) in [
        ("unset SSL_CERT_FILE", false),
        (&format!("export SSL_CERT_FILE={}", file.display()), true),
    ] {
        let server = Server::try_start_in_shell("step10", environment, flags).unwrap();
        let health = server.get("/health").await.json();
        assert_eq!(health["jwks_available"], available, "{environment}: {health}");
    }
}
