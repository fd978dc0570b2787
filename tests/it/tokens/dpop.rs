//! Tokens that are bound to a key of the client (RFC 9449, 7), over HTTP.

use axum::http::Response;
use mcp_auth::auth::dpop::DpopVerifier;
use serde_json::json;

use super::*;
use crate::support::dpop::ProofKey;

const URL: &str = "https://mcp.example.com/team-a/mcp";

fn app_with_dpop(dpop: DpopVerifier) -> Router {
    let issuer = TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &support::key_pair().jwks());
    let challenge = Challenge::bearer("mcp-server");
    let auth = BearerAuth::new(TokenVerifier::new().trust(issuer), challenge).dpop_verifier(dpop);
    let methods = Dispatcher::new().method("ping", lifecycle::ping);
    Router::new().route("/mcp", Endpoint::new(methods).routes().route_layer(auth))
}

fn verifier() -> DpopVerifier {
    DpopVerifier::new("https://mcp.example.com/team-a")
}

fn bound_token(key: &ProofKey) -> String {
    OURS.token(&set("cnf", json!({"jkt": key.thumbprint()})))
}

async fn send(app: &Router, authorization: String, proofs: &[String]) -> Response<Body> {
    let mut request = Request::post("/mcp").header(header::AUTHORIZATION, authorization);
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    let body = Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    app.clone().oneshot(request.body(body).expect("a request")).await.expect("a response")
}

/// The status, and the error codes of the challenges for `Bearer` and `DPoP`.
fn errors(response: &Response<Body>) -> (u16, [Option<String>; 2]) {
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let challenges: Vec<_> = challenges
        .flat_map(|value| Challenge::parse_all(value.to_str().expect("text")).expect("a challenge"))
        .collect();
    if !challenges.is_empty() {
        let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Bearer", "DPoP"]);
        assert!(challenges[1].param("algs").expect("algs").contains("ES256"));
    }
    let error = |scheme: &str| {
        let challenge = challenges.iter().find(|challenge| challenge.scheme() == scheme)?;
        challenge.param("error").map(str::to_owned)
    };
    (response.status().as_u16(), [error("Bearer"), error("DPoP")])
}

#[tokio::test]
async fn a_bound_token_is_valid_only_with_a_proof() {
    let (app, key, thief) = (app_with_dpop(verifier()), ProofKey::generate(), ProofKey::generate());
    let token = bound_token(&key);
    let keycloak = OURS.token(&with(|claims| {
        claims["typ"] = "DPoP".into();
        claims["cnf"] = json!({"jkt": key.thumbprint(), "kc-jkt-type": "DPoP"});
    }));
    let and_certificate = json!({"jkt": key.thumbprint(), "x5t#S256": "x"});
    let and_certificate = OURS.token(&set("cnf", and_certificate));
    let typ_only = OURS.token(&set("typ", "DPoP".into()));
    let unbound = OURS.token(&with(|_| {}));
    let once = key.proof("POST", URL, Some(&token));
    let proof = |token: &str| vec![key.proof("POST", URL, Some(token))];
    let twice = [proof(&token), proof(&token)].concat();
    for (name, scheme, token, proofs, status, bearer, dpop) in [
        ("valid", "DPoP", &token, vec![once.clone()], 200, None, None),
        ("the same again", "DPoP", &token, vec![once], 401, None, Some("invalid_dpop_proof")),
        ("scheme in lower case", "dpop", &token, proof(&token), 200, None, None),
        ("Keycloak's", "DPoP", &keycloak, proof(&keycloak), 200, None, None),
        ("Keycloak's as bearer", "Bearer", &keycloak, vec![], 401, Some("invalid_token"), None),
        ("as bearer", "Bearer", &token, vec![], 401, Some("invalid_token"), None),
        (
            "as bearer, with proof",
            "Bearer",
            &token,
            proof(&token),
            401,
            Some("invalid_token"),
            None,
        ),
        ("no proof", "DPoP", &token, vec![], 401, None, Some("invalid_dpop_proof")),
        ("two proofs", "DPoP", &token, twice, 401, None, Some("invalid_dpop_proof")),
        ("of another token", "DPoP", &token, proof("x"), 401, None, Some("invalid_dpop_proof")),
        (
            "with the key of a thief",
            "DPoP",
            &token,
            vec![thief.proof("POST", URL, Some(&token))],
            401,
            None,
            Some("invalid_token"),
        ),
        (
            "for another URL",
            "DPoP",
            &token,
            vec![key.proof("POST", "https://mcp.example.com/mcp", Some(&token))],
            401,
            None,
            Some("invalid_dpop_proof"),
        ),
        (
            "for a GET",
            "DPoP",
            &token,
            vec![key.proof("GET", URL, Some(&token))],
            401,
            None,
            Some("invalid_dpop_proof"),
        ),
        (
            "bound to a certificate, too",
            "DPoP",
            &and_certificate,
            proof(&and_certificate),
            401,
            None,
            Some("invalid_token"),
        ),
        ("unbound", "DPoP", &unbound, proof(&unbound), 401, None, Some("invalid_token")),
        (
            "unbound, but says it is bound",
            "DPoP",
            &typ_only,
            proof(&typ_only),
            401,
            None,
            Some("invalid_token"),
        ),
        ("the same as bearer", "Bearer", &typ_only, vec![], 401, Some("invalid_token"), None),
        ("unbound as bearer", "Bearer", &unbound, vec![], 200, None, None),
        ("unbound as bearer, with proof", "Bearer", &unbound, proof(&unbound), 200, None, None),
        ("no token", "Basic", &unbound, vec![], 401, None, None),
    ] {
        let response = send(&app, format!("{scheme} {token}"), &proofs).await;
        let expected = [bearer, dpop].map(|error| error.map(str::to_owned));
        assert_eq!(errors(&response), (status, expected), "{name}");
    }
}

#[tokio::test]
async fn a_nonce_is_given_and_accepted_if_the_server_requires_it() {
    let (app, key) = (app_with_dpop(verifier().require_nonce()), ProofKey::generate());
    let token = bound_token(&key);
    let proof = key.proof("POST", URL, Some(&token));
    let response = send(&app, format!("DPoP {token}"), std::slice::from_ref(&proof)).await;
    assert_eq!(errors(&response), (401, [None, Some("use_dpop_nonce".to_owned())]));
    let nonce = response.headers()["dpop-nonce"].to_str().expect("text");
    let part = proof.split('.').nth(1).expect("claims");
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part);
    let mut claims: Value = serde_json::from_slice(&claims.expect("base64url")).expect("JSON");
    claims["nonce"] = nonce.into();
    let response = send(&app, format!("DPoP {token}"), &[key.sign(&claims)]).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_dpop_the_scheme_is_unknown_and_no_challenge_names_it() {
    let key = ProofKey::generate();
    let token = bound_token(&key);
    let proof = key.proof("POST", URL, Some(&token));
    let response = send(&app(), format!("DPoP {token}"), &[proof]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = response.headers().get_all(header::WWW_AUTHENTICATE).iter().collect();
    assert_eq!(challenges, [r#"Bearer realm="mcp-server""#]);
}

/// What one document offers, the other does, too: a bound token is worth nothing where it is not accepted.
#[tokio::test]
async fn a_step_whose_authorization_server_binds_tokens_accepts_them_and_says_so() {
    let key = ProofKey::generate();
    for (step, accepted) in [("step7", false), ("step8", false), ("step9", true)] {
        let server = support::Server::start(step);
        for path in ["oauth-protected-resource/mcp", "oauth-authorization-server"] {
            let metadata = server.get(&format!("/.well-known/{path}")).await.json();
            let algorithms = metadata["dpop_signing_alg_values_supported"].as_array();
            let offered = algorithms.is_some_and(|all| all.contains(&json!("ES256")));
            assert_eq!(offered, accepted, "{step} {path}: {metadata}");
            // RFC 9728, 2: bearer tokens are accepted, too.
            assert_eq!(metadata.get("dpop_bound_access_tokens_required"), None, "{step}");
        }
        let token = bound_token(&key);
        let send = async |key: &ProofKey| {
            let proof = key.proof("POST", &format!("{}/mcp", server.url), Some(&token));
            let request = server.request("POST", "/mcp").header("content-type", "application/json");
            let request = request.header("authorization", format!("DPoP {token}"));
            let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
            request.header("dpop", proof).body(ping).send().await.unwrap().status().as_u16()
        };
        assert_eq!(send(&key).await, if accepted { 200 } else { 401 }, "{step}");
        assert_eq!(send(&ProofKey::generate()).await, 401, "{step}");
    }
}
