//! The evaluation of metadata documents. Pure: the same documents give the same result.

use super::{Evaluation, Finding, Location, products};
use crate::{auth::metadata::AuthorizationServerMetadata, client::oauth::metadata::offers_s256};

/// Evaluates an issuer by its documents, of which there is at least one.
pub(crate) fn evaluate(issuer: &str, locations: &[Location]) -> Evaluation {
    let mut issues = Vec::new();
    let (used, metadata) = used(locations);
    if metadata.issuer != issuer {
        issues.push(format!(
            "the metadata is for issuer {:?}: clients compare byte for byte and stop; name that issuer in \
             `authorization_servers`, or correct the metadata",
            metadata.issuer
        ));
    }
    if !used.in_order {
        issues.push("its only document is at a location that MCP clients do not try".to_owned());
    }
    let known = products::product(metadata);
    let registration = registration(metadata, used, known.map(|known| known.rfc7591));
    let cimd = flag(
        metadata.client_id_metadata_document_supported,
        "client_id_metadata_document_supported",
        used,
    );
    let registration_path = match (cimd.value, registration.value) {
        ("yes", "no" | "closed") => "a client id metadata document",
        ("yes", _) => "a client id metadata document, or dynamic registration",
        (_, "no" | "closed") => "registration by hand (--client-id)",
        _ => "dynamic registration",
    };
    let pkce = pkce(metadata, used, &mut issues);
    let rfc8707 = resource_indicators(metadata, used, known, &mut issues);
    other_issues(metadata, &mut issues);
    Evaluation {
        issuer: issuer.to_owned(),
        provider: known.map(|known| known.name),
        pkce,
        rfc8414: placement(locations),
        rfc7591: registration,
        rfc8707,
        rfc9207: flag(
            metadata.authorization_response_iss_parameter_supported,
            "authorization_response_iss_parameter_supported",
            used,
        ),
        cimd,
        registration_path,
        issues,
        notes: known.map(|known| known.notes.to_vec()).unwrap_or_default(),
    }
}

/// RFC 8707 defines no property for it; some servers have one nevertheless.
fn resource_indicators(
    metadata: &AuthorizationServerMetadata,
    used: &Location,
    known: Option<&products::Product>,
    issues: &mut Vec<String>,
) -> Finding {
    let property = "resource_indicators_supported";
    if metadata.resource_indicators_supported.is_some() {
        let finding = flag(metadata.resource_indicators_supported, property, used);
        if finding.value == "no" {
            issues.push(format!(
                "{property} is false: tokens are not bound to the MCP server; it must check another audience, and a server that \
                 rejects `resource` needs --omit-resource"
            ));
        }
        return finding;
    }
    match known {
        Some(known) => Finding {
            value: known.rfc8707,
            source: format!("no property of the metadata states it; known of {}", known.name),
        },
        None => Finding {
            value: "not stated",
            source: "no property of the metadata states it: only a token's aud shows it".to_owned(),
        },
    }
}

/// The document that a client would use: the first in the order of the specification.
fn used(locations: &[Location]) -> (&Location, &AuthorizationServerMetadata) {
    let mut found = locations
        .iter()
        .filter_map(|location| location.metadata.as_ref().map(|metadata| (location, metadata)));
    found.next().expect("evaluated only if there is a document")
}

fn pkce(
    metadata: &AuthorizationServerMetadata,
    used: &Location,
    issues: &mut Vec<String>,
) -> Finding {
    let property = "code_challenge_methods_supported";
    match &metadata.code_challenge_methods_supported {
        Some(methods) => {
            let s256 = offers_s256(metadata);
            if !s256 {
                issues.push("no S256: MCP clients refuse to continue".to_owned());
            }
            Finding {
                value: if s256 { "yes" } else { "no" },
                source: format!("{property} is {methods:?} in {}", used.url),
            }
        }
        None => {
            issues.push(format!("{property} is missing: MCP clients must refuse to continue"));
            Finding { value: "not stated", source: format!("no {property} in {}", used.url) }
        }
    }
}

fn placement(locations: &[Location]) -> Finding {
    let at = |wanted: &str| {
        locations
            .iter()
            .find(|p| p.metadata.is_some() && p.standard.starts_with(wanted) && p.in_order)
    };
    let appended = locations.iter().find(|p| p.metadata.is_some() && !p.in_order);
    match (at("RFC 8414"), appended, at("OpenID")) {
        (Some(location), ..) => Finding { value: "yes", source: location.url.clone() },
        (None, Some(location), _) => {
            Finding { value: "appended", source: format!("{}, not inserted", location.url) }
        }
        (None, None, Some(location)) => {
            Finding { value: "OIDC only", source: location.url.clone() }
        }
        (None, None, None) => Finding { value: "no", source: "nowhere".to_owned() },
    }
}

fn registration(
    metadata: &AuthorizationServerMetadata,
    used: &Location,
    known: Option<&'static str>,
) -> Finding {
    match &metadata.registration_endpoint {
        Some(endpoint) => Finding {
            value: known.unwrap_or("yes"),
            source: format!(
                "registration_endpoint is {endpoint}; only a registration shows whether it accepts unknown clients"
            ),
        },
        None => {
            Finding { value: "no", source: format!("no registration_endpoint in {}", used.url) }
        }
    }
}

fn flag(value: Option<bool>, property: &str, used: &Location) -> Finding {
    match value {
        Some(true) => {
            Finding { value: "yes", source: format!("{property} is true in {}", used.url) }
        }
        Some(false) => {
            Finding { value: "no", source: format!("{property} is false in {}", used.url) }
        }
        None => Finding { value: "no", source: format!("no {property} in {}", used.url) },
    }
}

/// What else in the metadata stops clients.
fn other_issues(metadata: &AuthorizationServerMetadata, issues: &mut Vec<String>) {
    let lacks = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_some_and(|list| !list.iter().any(|w| w == value))
    };
    if metadata.issuer.contains('{') {
        issues.push(
            "the issuer is a template: no token's iss ever equals it; use the tenant's own issuer"
                .to_owned(),
        );
    }
    if lacks(&metadata.response_types_supported, "code") {
        issues.push("response_types_supported has no \"code\"".to_owned());
    }
    if lacks(&metadata.grant_types_supported, "authorization_code") {
        issues.push("grant_types_supported has no \"authorization_code\"".to_owned());
    }
    match &metadata.token_endpoint_auth_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "none") => issues.push(
            "token_endpoint_auth_methods_supported has no \"none\": native clients need a secret or key"
                .to_owned(),
        ),
        _ => {}
    }
    for (name, endpoint) in [
        ("authorization_endpoint", &metadata.authorization_endpoint),
        ("token_endpoint", &metadata.token_endpoint),
    ] {
        match endpoint.as_deref().map(crate::client::context::urls::secure) {
            Some(Ok(_)) => {}
            Some(Err(error)) => issues.push(format!("{name}: {error}")),
            None => issues.push(format!("no {name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{
        auth::urls::{AUTHORIZATION_SERVER, well_known_appended},
        client::{context::urls, oauth::metadata},
    };

    #[derive(Deserialize)]
    struct Recorded {
        name: String,
        issuer: String,
        /// Which of the locations have a document: `8414`, `inserted`, `openid`, `appended`.
        at: Vec<String>,
        document: AuthorizationServerMetadata,
        row: [String; 6],
        registration_path: String,
        issue: Option<String>,
    }

    fn locations(recorded: &Recorded) -> Vec<Location> {
        let url = urls::secure(&recorded.issuer).unwrap();
        let mut locations: Vec<_> = metadata::server_locations(&url)
            .into_iter()
            .map(|(url, standard)| (url, standard, true))
            .collect();
        locations.push((
            well_known_appended(url.as_str(), AUTHORIZATION_SERVER),
            "RFC 8414, but appended",
            false,
        ));
        let there = |standard: &str, in_order: bool| {
            let kind = match (standard, in_order) {
                ("RFC 8414", _) => "8414",
                (_, false) => "appended",
                (standard, _) if standard.ends_with("inserted") => "inserted",
                _ => "openid",
            };
            recorded.at.iter().any(|at| at == kind)
        };
        locations
            .into_iter()
            .map(|(url, standard, in_order)| {
                let metadata = there(standard, in_order).then(|| recorded.document.clone());
                Location { url, standard, in_order, outcome: String::new(), metadata }
            })
            .collect()
    }

    #[test]
    fn seven_providers_are_evaluated_by_what_they_publish() {
        let all: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).unwrap();
        assert_eq!(all.len(), 7);
        for recorded in &all {
            let evaluation = evaluate(&recorded.issuer, &locations(recorded));
            let name = &recorded.name;
            assert_eq!(evaluation.provider, Some(name.as_str()));
            assert_eq!(
                evaluation.columns().map(|(_, finding)| finding.value),
                recorded.row,
                "{name}"
            );
            assert_eq!(evaluation.registration_path, recorded.registration_path, "{name}");
            match &recorded.issue {
                Some(word) => assert!(
                    evaluation.issues.iter().any(|o| o.contains(word)),
                    "{name} {:?}",
                    evaluation.issues
                ),
                None => assert_eq!(evaluation.issues, [""; 0], "{name}"),
            }
            assert!(!evaluation.notes.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_missing_slash_is_reported() {
        let all: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).unwrap();
        let auth0 = all.iter().find(|r| r.name == "Auth0").unwrap();
        let evaluation = evaluate(auth0.issuer.trim_end_matches('/'), &locations(auth0));
        assert!(evaluation.issues[0].contains("byte for byte"));
    }
}
