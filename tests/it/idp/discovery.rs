//! From an issuer to its keys: three well-known places, and metadata that must be about this issuer.

use jsonwebtoken::Algorithm::RS256;
use mcp_auth::{
    auth::{
        provider::{ProviderClient, ProviderError},
        verify::{
            TokenError, TokenVerifier, TrustedIssuer,
            remote_jwks::{JwksCacheConfig, RemoteJwks},
        },
    },
    test_support::{Provider, Reply, SigningKey},
};
use serde_json::{Value, json};

const PLACES: [&str; 3] = [
    "/.well-known/oauth-authorization-server/realms/test",
    "/.well-known/openid-configuration/realms/test",
    "/realms/test/.well-known/openid-configuration",
];

async fn verify(provider: &Provider, issuer: &str) -> Result<(), TokenError> {
    let idp = ProviderClient::new(issuer, false).unwrap();
    let keys = RemoteJwks::new(&idp, None, JwksCacheConfig::default());
    let verifier =
        TokenVerifier::new().trust(TrustedIssuer::from_remote(&keys, ["echo-mcp-server"]));
    let mut claims = provider.claims("");
    claims["iss"] = issuer.into();
    verifier.verify(&SigningKey::new(RS256, "current").sign(&claims)).await.map(|_| ())
}

/// The message for the log.
fn unavailable(result: Result<(), TokenError>) -> String {
    let Err(TokenError::Unavailable(unavailable)) = result else { panic!("{result:?}") };
    unavailable.cause.to_string()
}

fn metadata(provider: &Provider, issuer: &str) -> Value {
    json!({"issuer": issuer, "jwks_uri": provider.keys_url()})
}

#[tokio::test]
async fn metadata_is_found_at_each_of_the_three_places() {
    let key = SigningKey::new(RS256, "current");
    for (index, place) in PLACES.iter().enumerate() {
        let provider = Provider::empty().await;
        provider.publish(&[&key]);
        provider.set(place, Reply::Json(metadata(&provider, &provider.issuer())));
        verify(&provider, &provider.issuer()).await.unwrap_or_else(|e| panic!("{place}: {e}"));
        let asked = PLACES.map(|place| provider.count(place));
        assert_eq!(asked.iter().sum::<usize>(), index + 1, "in order, and no further: {asked:?}");
    }
}

#[tokio::test]
async fn a_trailing_slash_is_part_of_the_issuer() {
    let key = SigningKey::new(RS256, "current");
    let provider = Provider::empty().await;
    provider.publish(&[&key]);
    let (with, without) = (format!("{}/", provider.origin), provider.origin.clone());
    let place = "/.well-known/openid-configuration";
    provider.set(place, Reply::Json(metadata(&provider, &with)));
    assert_eq!(verify(&provider, &with).await, Ok(()));
    let error = verify(&provider, &without).await.unwrap_err();
    let TokenError::Unavailable(unavailable) = error else { panic!("{error}") };
    assert!(matches!(unavailable.cause, ProviderError::WrongIssuer { .. }), "{unavailable}");
}

#[tokio::test]
async fn metadata_of_another_issuer_is_rejected_and_both_are_named() {
    let key = SigningKey::new(RS256, "current");
    for wrong in ["https://evil.example.com", "{tenantid}", "REALM/", "REALM2"] {
        let provider = Provider::empty().await;
        provider.publish(&[&key]);
        let wrong = wrong.replace("REALM", &provider.issuer());
        provider.set(PLACES[2], Reply::Json(metadata(&provider, &wrong)));
        let message = unavailable(verify(&provider, &provider.issuer()).await);
        let expected = format!("is about the issuer {wrong}, not about {}", provider.issuer());
        assert!(message.contains(&expected), "{message}");
        assert_eq!(provider.fetches(), 0);
    }
}

#[tokio::test]
async fn unusable_metadata_is_explained() {
    let provider = Provider::empty().await;
    let issuer = provider.issuer();
    for (document, expected) in [
        (json!({"issuer": issuer}), "lacks `jwks_uri`"),
        (
            json!({"issuer": issuer, "jwks_uri": "http://keys.example.com"}),
            "http is allowed to this machine only",
        ),
        (json!({"issuer": issuer, "jwks_uri": "file:///etc/passwd"}), "it is not https"),
        (json!(["no", "object"]), "is not metadata"),
    ] {
        provider.set(PLACES[2], Reply::Json(document));
        let message = unavailable(verify(&provider, &issuer).await);
        assert!(message.contains(expected), "{message}");
    }
}
