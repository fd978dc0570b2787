//! `resource` (RFC 8707) and what the user sees of a step-up.

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::json;

use super::{
    mock::{Facts, Hit, Mock, ok},
    run::{Home, headless, pinned},
    stored::expire,
};

#[tokio::test]
async fn resource_is_in_every_request_or_with_a_warning_in_none() {
    for (flags, expected) in [(&[][..], true), (&["--omit-resource"][..], false)] {
        let (mock, home) = (Mock::honest().await, Home::new());
        let run = home.run(&mock, flags).await;
        run.succeeded();
        expire(&home, &mock);
        home.run(&mock, flags).await.succeeded();
        let requests = [
            &mock.hits("/authorize")[0].query,
            &mock.hits("/token")[0].form,
            &mock.hits("/token")[1].form,
        ];
        assert_eq!(requests[2]["grant_type"], "refresh_token");
        for request in requests {
            assert_eq!(request.contains_key("resource"), expected, "{request:?}");
        }
        let warning =
            "warning: without `resource` (RFC 8707) the authorization server does not know";
        assert_eq!(run.progress.contains(warning), !expected);
    }
}

/// Keycloak 26 fails so for grants without a refresh token (keycloak#50251).
#[tokio::test]
async fn the_failure_of_keycloak_names_the_flag_that_helps() {
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        (hit.path == "/token" && hit.form.contains_key("resource")).then(|| {
            let error = json!({"error": "unknown_error", "error_description": "For more on this error consult the server log."});
            (StatusCode::INTERNAL_SERVER_ERROR, ok(error)).into_response()
        })
    })
    .await;
    let home = Home::new();
    let file = super::grants::secret(&home, "secret", "s");
    let flags = ["--grant", "client_credentials", "--client-id", "me", "--client-secret", &file];
    pinned(&mock, &flags).await.failed("pass --omit-resource");
    pinned(&mock, &[&flags[..], &["--omit-resource"]].concat()).await.succeeded();
}

#[tokio::test]
async fn a_step_up_is_announced_before_its_stages_are_repeated() {
    let mock = Mock::start(|hit: &Hit, _: &Facts| {
        let call = hit.json["method"] == "tools/call" && !hit.authorization.ends_with("-1");
        let challenge = r#"Bearer error="insufficient_scope", scope="b""#;
        call.then(|| {
            (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        })
    })
    .await;
    let run = headless(&mock, &["--call", "t={}"]).await;
    run.succeeded();
    let announced =
        run.progress.find("Step up: the request needs the scope \"b\"; back to stage 2");
    let (last, again) = (run.progress.find("[13]"), run.progress.rfind("[2]"));
    assert!(last < announced && announced < again, "{}", run.progress);
}
