//! What a request costs, piece by piece: `cargo bench`. Figures differ from machine to machine; what counts is how one
//! row compares with another, and whether a change moves it.

use divan::{Bencher, black_box};
use mcp_auth::{
    auth::{
        challenge::Challenge,
        keys::KeyPair,
        verify::{TokenVerifier, TrustedIssuer},
    },
    jsonrpc::{self, Message},
    mcp::{
        call::{CallContext, response::Envelope},
        dispatcher::Dispatcher,
        policy::Policy,
        tools::Tools,
    },
    tutorial,
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}"#;

fn main() {
    divan::main();
}

/// A verifier with so much memory, and a good token.
fn verifier_and_token(memory: u64) -> (TokenVerifier, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = KeyPair::load_or_create(folder.path()).expect("a key pair");
    let issuer = TrustedIssuer::new("mcp-simple-auth", ["mcp-server"], &keys.jwks());
    let claims = json!({
        "iss": "mcp-simple-auth", "aud": "mcp-server", "sub": "user_alice", "exp": 4_000_000_000_u64,
        "preferred_username": "alice", "scope": "mcp:read mcp:tools", "roles": ["user"],
    });
    let token = keys.sign("JWT", &claims).expect("a token");
    (TokenVerifier::new().cache_capacity(memory).trust(issuer), token)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

#[divan::bench]
fn verify_a_token_seen_before(bencher: Bencher) {
    let ((verifier, token), runtime) = (verifier_and_token(1 << 20), runtime());
    let verify = || runtime.block_on(verifier.verify(black_box(&token)));
    verify().expect("a good token");
    bencher.bench_local(verify);
}

#[divan::bench]
fn verify_a_new_token(bencher: Bencher) {
    let ((verifier, token), runtime) = (verifier_and_token(0), runtime());
    let verify = || runtime.block_on(verifier.verify(black_box(&token)));
    verify().expect("a good token");
    bencher.bench_local(verify);
}

#[divan::bench]
fn refuse_a_forged_token(bencher: Bencher) {
    let ((verifier, token), runtime) = (verifier_and_token(1 << 20), runtime());
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let verify = || runtime.block_on(verifier.verify(black_box(&forged)));
    verify().expect_err("a forged token");
    bencher.bench_local(verify);
}

#[divan::bench]
fn read_a_message(bencher: Bencher) {
    let read = || Message::parse(black_box(CALL.as_bytes()), jsonrpc::DEFAULT_MAX_DEPTH);
    read().expect("a message");
    bencher.bench_local(read);
}

#[divan::bench]
fn dispatch_a_call(bencher: Bencher) {
    let ((verifier, token), runtime) = (verifier_and_token(1 << 20), runtime());
    let principal = runtime.block_on(verifier.verify(&token)).expect("a caller");
    let tools = Tools::new().with(tutorial::echo());
    let policy = Policy::new().require_any_scope("tools/call", ["mcp:tools"], "tool execution");
    let methods = Dispatcher::new().merge(tools.methods()).with_policy(policy);
    let Ok(Message::Request(request)) = Message::parse(CALL.as_bytes(), 8) else {
        panic!("a request");
    };
    let jsonrpc::Request { id, params, .. } = request;
    let inputs = || {
        let (params, principal) = (params.clone(), Some(principal.clone()));
        let call = CallContext { params, principal, client_capabilities: None };
        (call, Envelope::new(id.clone(), 1000))
    };
    let dispatch =
        |(call, envelope)| runtime.block_on(methods.dispatch("tools/call", call, envelope));
    dispatch(inputs()).expect("a response");
    bencher.with_inputs(inputs).bench_local_values(dispatch);
}

#[divan::bench]
fn parse_a_challenge(bencher: Bencher) {
    let header = r#"Bearer realm="mcp", scope="mcp:read mcp:tools", resource_metadata="http://localhost:9000/.well-known/oauth-protected-resource/mcp", DPoP algs="ES256""#;
    let parse = || Challenge::parse_all(black_box(header));
    assert_eq!(parse().expect("challenges").len(), 2);
    bencher.bench_local(parse);
}
