//! A host of client metadata documents: a real https server on this machine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_auth::authorization_server::ClientMetadataPolicy;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use super::support::TestServer;

/// A host that sends the same response to every request, and counts them.
pub(crate) struct MetadataHost {
    pub(crate) port: u16,
    pub(crate) certificate: Vec<u8>,
    pub(crate) response: Arc<Mutex<String>>,
    hits: Arc<AtomicUsize>,
}

impl MetadataHost {
    pub(crate) async fn open() -> Self {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
                .unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            port: listener.local_addr().unwrap().port(),
            certificate: made.cert.pem().into_bytes(),
            response: Arc::default(),
            hits: Arc::default(),
        };
        let (response, hits) = (Arc::clone(&host.response), Arc::clone(&host.hits));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                hits.fetch_add(1, Ordering::SeqCst);
                let (acceptor, response) = (acceptor.clone(), response.lock().unwrap().clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let _ = stream.read(&mut [0; 4096]).await;
                    if response == "slow" {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    let _ = stream.write_all(response.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        host
    }

    pub(crate) fn id(&self) -> String {
        format!("https://localhost:{}/client.json", self.port)
    }

    /// Sets the response.
    pub(crate) fn respond(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        *self.response.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
        );
    }

    pub(crate) fn publish(&self, changes: serde_json::Value, headers: &str) {
        let mut document = json!({"client_id": self.id(), "client_name": "An app with a document", "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"});
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.respond(
            "200 OK",
            &format!("Content-Type: application/json\r\n{headers}"),
            &document.to_string(),
        );
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// A server that may fetch from this host.
    pub(crate) fn server(&self) -> TestServer {
        // On a busy machine a handshake takes long.
        self.server_with_timeout(Duration::from_secs(60))
    }

    pub(crate) fn server_with_timeout(&self, timeout: Duration) -> TestServer {
        let root_certificates = vec![self.certificate.clone()];
        TestServer::with_policy(ClientMetadataPolicy {
            allow_loopback: true,
            root_certificates,
            timeout,
        })
    }
}
