//! Who can make the authorization server fetch a client metadata document, and how often.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use super::{
    client_metadata::{open, rejected},
    metadata_host::MetadataHost,
    support::{CALLBACK, query},
};

#[tokio::test]
async fn an_image_on_another_site_makes_nobody_fetch_a_document() {
    let host = MetadataHost::open().await;
    host.publish(json!({}), "Cache-Control: no-store\r\n");
    let (server, id) = (host.server(), host.id());
    let url = format!("/auth/authorize?{}", query(&[("client_id", &id)]));
    let open = async |mode: &str, dest: &str| {
        let request = Request::get(&url).header("Sec-Fetch-Site", "cross-site");
        let request = request.header("Sec-Fetch-Mode", mode).header("Sec-Fetch-Dest", dest);
        server.send(request.body(Body::empty()).unwrap()).await
    };
    for (mode, dest) in
        [("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty"), ("no-cors", "script")]
    {
        rejected(&open(mode, dest).await, "Not opened as a page", dest);
    }
    assert_eq!(host.hits(), 0);
    assert_eq!(open("navigate", "document").await.status, StatusCode::OK);
    assert_eq!(host.hits(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_clients_does_not_stop_those_that_users_have_allowed() {
    let host = MetadataHost::open().await;
    host.publish(json!({}), "Cache-Control: no-store\r\n");
    let (server, id) = (host.server(), host.id());
    let allowed = query(&[("client_id", &id)]);
    let mut browser = server.browser();
    browser.log_in(&allowed, "alice").await;
    browser.allow_all(&allowed).await.redirect(CALLBACK);
    // Nobody listens there; and other documents of the client's own host.
    for number in 0..60 {
        open(&server, &format!("https://localhost:1/{number}.json")).await;
        open(&server, &format!("{id}/{number}")).await;
    }
    let unknown = open(&server, "https://localhost:1/client.json").await;
    assert_eq!(unknown.status, StatusCode::SERVICE_UNAVAILABLE, "{unknown:?}");
    assert_eq!(unknown.header("retry-after"), "60");
    assert_eq!(open(&server, &id).await.status, StatusCode::OK);
}
