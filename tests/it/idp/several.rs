//! Two identity providers at once: each with keys, audiences and claims of its own, and no power over the other's tokens.

use std::{fs, time::Duration};

use jsonwebtoken::Algorithm::{ES256, RS256};
use mcp_auth::{
    auth::{
        identity_provider::IdentityProvider,
        identity_providers::IdentityProviders,
        metadata::ProtectedResource,
        verify::{TokenError, TokenVerifier},
    },
    test_support::{Provider, Reply, SigningKey},
};
use serde_json::{Value, json};

use crate::support::{Answer, Server, now};

const ROLES: &str = "https://partner.example.org/roles";

/// Two providers, each with a key of the same name.
struct Two {
    staff: Provider,
    staff_key: SigningKey,
    partners: Provider,
    partner_key: SigningKey,
}

impl Two {
    async fn start() -> Self {
        let (staff_key, partner_key) =
            (SigningKey::new(RS256, "current"), SigningKey::new(ES256, "current"));
        Self {
            staff: Provider::start(&[&staff_key]).await,
            partners: Provider::start(&[&partner_key]).await,
            staff_key,
            partner_key,
        }
    }

    /// Claims in the form of the first provider: Keycloak's.
    fn staff_claims(&self) -> Value {
        self.staff.claims("mcp:tools")
    }

    /// Claims in the form of the second one: short scopes in `scp`, and roles under a name of its own.
    fn partner_claims(&self) -> Value {
        json!({
            "iss": self.partners.issuer(), "aud": "partner-api", "sub": "p1", "azp": "partner-app",
            "iat": now(), "exp": now() + 300, "scp": "mcp:tools", ROLES: ["auditor"],
        })
    }

    fn verifier(&self) -> TokenVerifier {
        let provider = |issuer: &str| IdentityProvider::new(issuer, false).unwrap();
        let providers = IdentityProviders::new([
            provider(&self.staff.issuer()).audiences(["echo-mcp-server"]),
            provider(&self.partners.issuer())
                .audiences(["partner-api"])
                .role_claims(&[ROLES.to_owned()]),
        ]);
        let resource = ProtectedResource::new("https://mcp.example.com/mcp");
        TokenVerifier::new().trust_all(providers.unwrap().trusted_issuers(&resource))
    }
}

fn changed(mut claims: Value, claim: &str, value: impl Into<Value>) -> Value {
    claims[claim] = value.into();
    claims
}

#[tokio::test]
async fn tokens_of_each_provider_are_read_in_its_own_way() {
    let two = Two::start().await;
    let verifier = two.verifier();
    let caller = verifier.verify(&two.staff_key.sign(&two.staff_claims())).await.unwrap();
    assert_eq!((&*caller.display_name, &*caller.issuer), ("mcp-user", &*two.staff.issuer()));
    let caller = verifier.verify(&two.partner_key.sign(&two.partner_claims())).await.unwrap();
    assert_eq!((&*caller.display_name, &*caller.issuer), ("p1", &*two.partners.issuer()));
    assert!(caller.scopes.grants("mcp:tools") && caller.has_role("auditor"));
    // The name of that claim is no name of a role at the other provider.
    let claims = changed(two.staff_claims(), ROLES, json!(["auditor"]));
    let caller = verifier.verify(&two.staff_key.sign(&claims)).await.unwrap();
    assert!(!caller.has_role("auditor"));
}

/// RFC 8725, 3.8: the key must belong to the issuer.
#[tokio::test]
async fn the_key_of_one_provider_proves_no_token_of_the_other() {
    let two = Two::start().await;
    let verifier = two.verifier();
    let forged = two.staff_key.sign(&two.partner_claims());
    // Both keys have the same `kid`, and the one of this issuer is for another algorithm.
    let error = verifier.verify(&forged).await.unwrap_err();
    assert_eq!(error, TokenError::UnknownKey(Some("current".to_owned())));
    // Nor with a key of the same algorithm.
    let same_algorithm = SigningKey::other("current");
    two.partners.publish(&[&same_algorithm]);
    let error = two.verifier().verify(&forged).await.unwrap_err();
    assert_eq!(error, TokenError::InvalidSignature { issuer: two.partners.issuer() });
    let forged = same_algorithm.sign(&two.staff_claims());
    let error = verifier.verify(&forged).await.unwrap_err();
    assert_eq!(error, TokenError::InvalidSignature { issuer: two.staff.issuer() });
}

#[tokio::test]
async fn the_audience_of_one_provider_is_not_accepted_from_the_other() {
    let two = Two::start().await;
    let verifier = two.verifier();
    for (token, expected) in [
        (two.partner_key.sign(&changed(two.partner_claims(), "aud", "echo-mcp-server")), false),
        (two.staff_key.sign(&changed(two.staff_claims(), "aud", "partner-api")), false),
        // Both may name the resource itself (RFC 8707).
        (
            two.partner_key.sign(&changed(
                two.partner_claims(),
                "aud",
                "https://mcp.example.com/mcp",
            )),
            true,
        ),
    ] {
        let result = verifier.verify(&token).await;
        let rejected = matches!(result, Err(TokenError::InvalidAudience { .. }));
        assert_eq!((result.is_ok(), rejected), (expected, !expected), "{result:?}");
    }
}

#[tokio::test]
#[should_panic(expected = "is trusted twice")]
async fn an_issuer_is_trusted_once() {
    let two = Two::start().await;
    let provider = IdentityProvider::new(&two.staff.issuer(), false).unwrap();
    let issuer = provider.trusted_issuer(&ProtectedResource::new("https://mcp.example.com/mcp"));
    let _ = two.verifier().trust(issuer);
}

/// Step 10 with both; the second is described by a file.
fn step10(two: &Two, partner_scopes: &str) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partners.env");
    let lines = format!(
        "JWT_ISSUER={}\nJWT_AUDIENCE=partner-api\nJWT_ROLE_CLAIMS={ROLES}\nMCP_SCOPES={partner_scopes}\n",
        two.partners.issuer()
    );
    fs::write(&path, lines).unwrap();
    let (issuer, path) = (two.staff.issuer(), path.to_str().unwrap().to_owned());
    let flags = ["--env", "/dev/null", "--issuer", &issuer, "--provider-file", &path];
    let server = Server::start_with("step10", flags);
    (folder, server)
}

async fn list(server: &Server, token: &str, method: &str) -> Answer {
    server.rpc(token, method, json!({})).await
}

#[tokio::test]
async fn metadata_health_and_guide_name_every_provider() {
    let two = Two::start().await;
    let (_folder, server) = step10(&two, "mcp:tools,mcp:audit");
    let issuers = json!([two.staff.issuer(), two.partners.issuer()]);
    let document = server.get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(document["authorization_servers"], issuers);
    assert_eq!(
        document["scopes_supported"],
        json!(["mcp:read", "mcp:tools", "mcp:prompts", "mcp:audit"])
    );
    let health = server.get("/health").await.json();
    assert_eq!(health["jwks_available"], true);
    let links = &health["oauth_metadata"];
    let metadata = |issuer: String| format!("{issuer}/.well-known/openid-configuration");
    assert_eq!(links["authorization_server"], metadata(two.staff.issuer()));
    assert_eq!(links["other_authorization_servers"], json!([metadata(two.partners.issuer())]));
    for (index, issuer) in issuers.as_array().unwrap().iter().enumerate() {
        let state = &health["providers"][index];
        assert_eq!((&state["issuer"], &state["keys"]), (issuer, &json!(1)), "{health}");
    }
    let guide = server.get("/docs").await.body;
    for issuer in [two.staff.issuer(), two.partners.issuer()] {
        assert!(guide.contains(&format!("<code>{issuer}</code>")), "{issuer}");
    }
    let token = two.partner_key.sign(&two.partner_claims());
    assert_eq!(list(&server, &token, "tools/list").await.status, 200);
    let token = two.staff_key.sign(&two.staff_claims());
    let called = list(&server, &token, "initialize").await;
    assert_eq!(called.status, 200, "{called:?}");
}

/// RFC 6750, 3: `scope` is what the client has to request, and each provider has its own names.
#[tokio::test]
async fn a_challenge_names_scopes_as_the_issuer_of_the_token_does() {
    let two = Two::start().await;
    let (_folder, server) = step10(&two, "api://id/mcp:tools,api://id/mcp:prompts");
    for (token, scope) in [
        (two.staff_key.sign(&two.staff_claims()), "mcp:prompts"),
        (two.partner_key.sign(&two.partner_claims()), "api://id/mcp:prompts"),
    ] {
        let refused = list(&server, &token, "prompts/list").await;
        assert_eq!(refused.status, 403);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains(&format!(r#"scope="{scope}""#)), "{challenge}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_does_not_harm_the_other() {
    let two = Two::start().await;
    two.partners.set_keys(Reply::Slow(Duration::from_secs(60), Box::new(Reply::Status(503))));
    let (_folder, server) = step10(&two, "mcp:tools");
    let health = server.get("/health").await.json();
    assert_eq!(health["jwks_available"], true, "one provider is enough to be ready: {health}");
    assert_eq!(
        (&health["providers"][0]["keys"], &health["providers"][1]["keys"]),
        (&json!(1), &json!(0))
    );
    let token = two.staff_key.sign(&two.staff_claims());
    assert_eq!(list(&server, &token, "tools/list").await.status, 200);
    two.partners.set_keys(Reply::Status(500));
    let token = two.partner_key.sign(&two.partner_claims());
    assert_eq!(list(&server, &token, "tools/list").await.status, 503);
}

#[tokio::test]
async fn providers_that_contradict_each_other_are_a_start_up_error() {
    let two = Two::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, lines: &str| {
        let path = folder.path().join(name);
        fs::write(&path, lines).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let issuer = two.staff.issuer();
    let same = file("same.env", &format!("JWT_ISSUER={issuer}\n"));
    let other = file("other.env", "MCP_SERVER_URL=https://me:hush@a.test\n");
    let introspects = "INTROSPECTION_CLIENT_ID=me\nINTROSPECTION_CLIENT_SECRET=hush\n";
    let asks = file("asks.env", &format!("JWT_ISSUER={}\n{introspects}", two.partners.issuer()));
    let main = file("main.env", &format!("JWT_ISSUER={issuer}\n{introspects}"));
    for (env, more, expected) in [
        ("/dev/null", &same, format!("the issuer {issuer} is given twice")),
        ("/dev/null", &other, "other.env, line 1: MCP_SERVER_URL is not a setting of".to_owned()),
        (&*main, &asks, "both have an introspection client".to_owned()),
    ] {
        let flags = ["--env", env, "--issuer", &issuer, "--provider-file", more];
        let said = Server::try_start("step10", flags).err().expect("it does not start");
        assert!(said.contains(&expected) && !said.contains("hush"), "{said}");
    }
}
