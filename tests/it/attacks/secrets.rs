//! Guessing secrets: how near a guess was shows neither in the answer nor, as far as a comparison can help, in the
//! time that it took.

use std::fs;

use serde_json::{Value, json};

use super::{attacks, post, statuses};

attacks! { "step8";
    wrong_client_secrets_get_identical_responses: |server| {
        let client = json!({"redirect_uris": ["http://127.0.0.1:1/cb"], "token_endpoint_auth_method": "client_secret_post"});
        let answer = server.raw(post("/auth/register", &[], &client.to_string()));
        assert_eq!(statuses(&answer), [201], "{answer}");
        let client: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        let other = |c: char| if c == 'A' { 'B' } else { 'A' };
        let first: String = secret.chars().enumerate().map(|(i, c)| if i == 0 { other(c) } else { c }).collect();
        let last: String = secret.chars().rev().enumerate().map(|(i, c)| if i == 0 { other(c) } else { c }).collect::<Vec<_>>().into_iter().rev().collect();
        let mut answers: Vec<String> = ["A", &first, &last, &secret[1..], &format!("{secret}A")]
            .iter()
            .map(|guess| {
                let form = format!("grant_type=authorization_code&client_id={id}&client_secret={guess}&code=x&redirect_uri=http://127.0.0.1:1/cb&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
                let request = post("/auth/token", &[], &form);
                let answer = server.raw(request.replace("application/json", "application/x-www-form-urlencoded"));
                // 401 also without an Authorization header: clients in the field register again on that status only.
                assert_eq!(statuses(&answer), [401], "{guess}: {answer}");
                assert!(!answer.contains(secret), "{answer}");
                answer.split("\r\n\r\n").nth(1).unwrap().to_owned()
            })
            .collect();
        answers.sort();
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(!server.log().contains(secret), "the secret is in the log")
    };
}

/// A test of time on a busy machine would prove nothing, so this one reads: whatever is compared with a guess is
/// compared by `ct_eq`, and secrets have no other way to be compared.
#[test]
fn secrets_are_compared_in_constant_time() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/authorization_server");
    let source = |name: &str| fs::read_to_string(format!("{folder}/{name}")).unwrap();
    assert!(source("secret.rs").matches(".ct_eq(").count() >= 2);
    assert!(
        source("../mcp/mac.rs").contains("hmac::verify(")
            && !source("../mcp/mac.rs").contains(" == ")
    );
    let folders = ["", "endpoints", "state", "client_metadata", "pages"]
        .map(|name| format!("{folder}/{name}"));
    for entry in folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            for word in [
                "secret ==",
                "password ==",
                "verifier ==",
                "secret !=",
                "password !=",
                "verifier !=",
                "code ==",
                "csrf_token ==",
            ] {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}
