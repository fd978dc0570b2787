//! The access tokens of each provider, valid and invalid. The formats are those of the providers' own documentation;
//! names and numbers are invented.

use std::time::Duration;

use jsonwebtoken::Algorithm::{self, ES256, EdDSA, PS256, RS256};
use mcp_auth::{
    auth::{
        provider::ProviderClient,
        verify::{
            TokenVerifier, TrustedIssuer,
            remote_jwks::{JwksCacheConfig, RemoteJwks},
        },
    },
    principal::Principal,
    test_support::{Provider, Reply, SigningKey},
};
use serde_json::{Value, json};

use crate::support::now;

const AUDIENCE: &str = "https://mcp.example.com/mcp";
const ROLES: &str = "https://mcp.example.com/roles";

/// How one provider writes its tokens.
pub(super) struct ProviderToken {
    name: &'static str,
    /// Behind the origin.
    issuer: &'static str,
    algorithm: Algorithm,
    /// `typ` of the header.
    typ: Option<&'static str>,
    /// Without `iss`, `exp`, `iat`, which all of them have.
    claims: Value,
    /// Name, client, scopes, roles.
    expected: (&'static str, Option<&'static str>, &'static str, &'static [&'static str]),
}

#[allow(clippy::too_many_lines)] // a table
pub(super) fn provider_tokens() -> Vec<ProviderToken> {
    vec![
        ProviderToken {
            name: "Keycloak",
            issuer: "/realms/mcp-realm",
            algorithm: RS256,
            typ: Some("JWT"),
            claims: json!({
                "jti": "onrtro:7c1e", "aud": [AUDIENCE, "account"], "sub": "f2a1", "typ": "Bearer",
                "azp": "mcp-test-client", "sid": "s1", "acr": "1",
                "realm_access": {"roles": ["offline_access"]},
                "resource_access": {AUDIENCE: {"roles": ["tools"]}, "account": {"roles": ["manage-account"]}},
                "scope": "openid mcp:tools profile", "preferred_username": "mcp-user",
            }),
            expected: (
                "mcp-user",
                Some("mcp-test-client"),
                "mcp:tools openid profile",
                &["offline_access", "tools"],
            ),
        },
        ProviderToken {
            name: "Okta, custom authorization server",
            issuer: "/oauth2/default",
            algorithm: RS256,
            typ: None,
            claims: json!({
                "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "aud": AUDIENCE,
                "cid": "0oauifv9t", "uid": "00uljh7pq", "scp": ["openid", "mcp:tools"],
                "auth_time": 1_700_000_000, "sub": "alice@example.com", "groups": ["Everyone"],
            }),
            expected: ("alice@example.com", Some("0oauifv9t"), "mcp:tools openid", &["Everyone"]),
        },
        ProviderToken {
            name: "Auth0, its own profile, with RBAC",
            issuer: "/",
            algorithm: RS256,
            typ: Some("JWT"),
            claims: json!({
                "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "aud": [AUDIENCE, "https://t.auth0.com/userinfo"],
                "azp": "my_client_id", "scope": "openid profile", "permissions": ["mcp:tools"],
                ROLES: ["editor"],
            }),
            expected: (
                "auth0|5f7c8ec7c33c6c004bbafe82",
                Some("my_client_id"),
                "mcp:tools openid profile",
                &["editor"],
            ),
        },
        ProviderToken {
            name: "Auth0, RFC 9068 profile, a machine",
            issuer: "/",
            algorithm: PS256,
            typ: Some("at+jwt"),
            claims: json!({
                "jti": "k8sh", "sub": "abc123@clients", "aud": AUDIENCE, "client_id": "abc123",
                "scope": "mcp:tools", "gty": "client-credentials",
            }),
            expected: ("abc123@clients", Some("abc123"), "mcp:tools", &[]),
        },
        ProviderToken {
            name: "PingFederate, JWT access token manager",
            issuer: "",
            algorithm: ES256,
            typ: None,
            claims: json!({
                "scope": "openid mcp:tools", "client_id": "ac_client", "aud": AUDIENCE, "jti": "p1",
                "sub": "joe", "pi.sri": "x7",
            }),
            expected: ("joe", Some("ac_client"), "mcp:tools openid", &[]),
        },
        ProviderToken {
            name: "PingOne",
            issuer: "/3e7d/as",
            algorithm: RS256,
            typ: Some("application/at+jwt"),
            claims: json!({
                "client_id": "b1", "aud": [AUDIENCE], "scope": "mcp:tools", "sub": "u9", "sid": "s",
                "env": "3e7d", "org": "o1",
            }),
            expected: ("u9", Some("b1"), "mcp:tools", &[]),
        },
        ProviderToken {
            name: "ForgeRock, client-side token; aud is the client",
            issuer: "/am/oauth2/alpha",
            algorithm: RS256,
            typ: Some("JWT"),
            claims: json!({
                "sub": "demo", "subname": "demo", "cts": "OAUTH2_STATELESS_GRANT", "auth_level": 0,
                "tokenName": "access_token", "token_type": "Bearer", "aud": AUDIENCE, "nbf": now() - 5,
                "grant_type": "authorization_code", "scope": ["openid", "mcp:tools"],
                "realm": "/alpha", "expires_in": 3600, "jti": "fr1",
            }),
            expected: ("demo", None, "mcp:tools openid", &[]),
        },
        ProviderToken {
            name: "Entra v2, a person",
            issuer: "/9188/v2.0",
            algorithm: RS256,
            typ: Some("JWT"),
            claims: json!({
                "aud": AUDIENCE, "azp": "6e74", "azpacr": "0", "name": "Abe Lincoln",
                "preferred_username": "abeli@example.com", "oid": "00000000", "rh": "0.AAA",
                "scp": "mcp:tools user_impersonation", "sub": "HKZp", "tid": "9188", "uti": "fq", "ver": "2.0",
                "roles": ["Reader"], "groups": ["1f2e"],
            }),
            expected: (
                "abeli@example.com",
                Some("6e74"),
                "mcp:tools user_impersonation",
                &["1f2e", "Reader"],
            ),
        },
        ProviderToken {
            name: "Entra v1, an application without scopes",
            issuer: "/9188/",
            algorithm: RS256,
            typ: Some("JWT"),
            claims: json!({
                "aud": AUDIENCE, "appid": "6e74", "appidacr": "1", "oid": "0", "roles": ["Task.Do"],
                "sub": "b9", "tid": "9188", "uti": "u", "ver": "1.0",
            }),
            expected: ("b9", Some("6e74"), "", &["Task.Do"]),
        },
        ProviderToken {
            name: "the tutorial's own",
            issuer: "/simple",
            algorithm: EdDSA,
            typ: Some("JWT"),
            claims: json!({
                "aud": AUDIENCE, "sub": "user_alice", "preferred_username": "alice",
                "scopes": ["mcp:tools"], "roles": ["user"],
            }),
            expected: ("alice", None, "mcp:tools", &["user"]),
        },
    ]
}

/// A provider with tokens of this format, and a verifier that trusts it.
pub(super) async fn provider_and_verifier(
    format: &ProviderToken,
    key: &SigningKey,
) -> (Provider, TokenVerifier, Value) {
    let provider = Provider::empty().await;
    let issuer = format!("{}{}", provider.origin, format.issuer);
    let place = format!("{}/.well-known/openid-configuration", format.issuer.trim_end_matches('/'));
    let metadata = json!({"issuer": issuer, "jwks_uri": provider.keys_url()});
    provider.set(&place, Reply::Json(metadata));
    // As Keycloak does, with a key beside it that is not for signatures.
    let enc = SigningKey::other("enc").with("use", "enc").with("alg", "RSA-OAEP");
    provider.publish(&[key, &enc]);
    // Without a cooldown every unknown `kid` is looked for, so that no token is merely "unavailable".
    let cache = JwksCacheConfig { cooldown: Duration::ZERO, ..JwksCacheConfig::default() };
    let keys = RemoteJwks::new(&ProviderClient::new(&issuer, false).unwrap(), None, cache);
    let trusted = TrustedIssuer::from_remote(&keys, [AUDIENCE]).role_claims(&[ROLES.to_owned()]);
    let mut claims = format.claims.clone();
    claims["iss"] = issuer.into();
    claims["iat"] = now().into();
    claims["exp"] = (now() + 300).into();
    (provider, TokenVerifier::new().trust(trusted), claims)
}

fn described(principal: &Principal) -> (&str, Option<&str>, String, Vec<&str>) {
    (
        &principal.display_name,
        principal.client_id.as_deref(),
        principal.scopes.to_string(),
        principal.roles.iter().map(String::as_str).collect(),
    )
}

#[tokio::test]
async fn a_valid_token_of_each_provider_describes_the_caller() {
    for format in provider_tokens() {
        let key = SigningKey::new(format.algorithm, "k1");
        let (_provider, verifier, claims) = provider_and_verifier(&format, &key).await;
        let header = jsonwebtoken::Header { typ: format.typ.map(str::to_owned), ..key.header() };
        let principal = verifier.verify(&key.sign_as(&header, &claims)).await;
        let principal = principal.unwrap_or_else(|error| panic!("{}: {error}", format.name));
        let (name, client, scopes, roles) = format.expected;
        let expected = (name, client, scopes.to_owned(), roles.to_vec());
        assert_eq!(described(&principal), expected, "{}", format.name);
    }
}

#[tokio::test]
async fn an_invalid_token_of_each_provider_is_rejected() {
    type Change = fn(&mut Value);
    let invalid: [(&str, Change, &str); 16] = [
        ("expired", |c| c["exp"] = (now() - 1).into(), "Token has expired"),
        ("never expires", |c| _ = c.as_object_mut().unwrap().remove("exp"), "Invalid token"),
        ("not yet valid", |c| c["nbf"] = (now() + 60).into(), "Token is not yet valid"),
        (
            "an additional slash",
            |c| c["iss"] = format!("{}/", c["iss"].as_str().unwrap()).into(),
            "Invalid token issuer",
        ),
        (
            "another port",
            |c| c["iss"] = "https://localhost:1/realms/x".into(),
            "Invalid token issuer",
        ),
        ("no issuer", |c| c["iss"] = Value::Null, "Invalid token issuer"),
        ("a list of issuers", |c| c["iss"] = json!([c["iss"]]), "Invalid token issuer"),
        ("another audience", |c| c["aud"] = "account".into(), "Invalid token audience"),
        (
            "other audiences",
            |c| c["aud"] = json!(["account", "https://mcp.example.com"]),
            "Invalid token audience",
        ),
        ("a prefix", |c| c["aud"] = format!("{AUDIENCE}/").into(), "Invalid token audience"),
        ("no audience", |c| _ = c.as_object_mut().unwrap().remove("aud"), "Invalid token"),
        ("an ID token of Keycloak", |c| c["typ"] = "ID".into(), "Invalid token"),
        ("a refresh token of Keycloak", |c| c["typ"] = "Refresh".into(), "Invalid token"),
        ("an ID token of any provider", |c| c["at_hash"] = "x".into(), "Invalid token"),
        ("an ID token without at_hash", |c| c["nonce"] = "x".into(), "Invalid token"),
        ("a subject that is no text", |c| c["sub"] = 7.into(), "Invalid token"),
    ];
    for format in provider_tokens() {
        let key = SigningKey::new(format.algorithm, "k1");
        let (_provider, verifier, good) = provider_and_verifier(&format, &key).await;
        for (what, change, expected) in &invalid {
            let mut claims = good.clone();
            change(&mut claims);
            let error = verifier.verify(&key.sign(&claims)).await;
            let error = error.expect_err(&format!("{}, {what}", format.name));
            assert_eq!(error.public_message(), *expected, "{}, {what}", format.name);
        }
    }
}
