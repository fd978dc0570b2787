//! From documents to a evaluation. Pure: the same documents, the same words.

use serde::Serialize;

use super::{Place, products};
use crate::{auth::metadata::AuthorizationServerMetadata, client::oauth::discovery::offers_s256};

/// One cell of the table: a word, and the document and member that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Answer {
    pub(crate) word: &'static str,
    pub(crate) because: String,
}

/// The row, and what it means for a client.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) issuer: String,
    /// The product, when the addresses give it away.
    pub(crate) provider: Option<&'static str>,
    pkce: Answer,
    rfc8414: Answer,
    rfc7591: Answer,
    rfc8707: Answer,
    rfc9207: Answer,
    cimd: Answer,
    /// How a client that nobody has registered gets in.
    pub(crate) registration_path: &'static str,
    /// What the documents say that stops clients.
    pub(crate) issues: Vec<String>,
    /// What is known of the product beyond its documents.
    pub(crate) notes: Vec<&'static str>,
}

impl Evaluation {
    pub(crate) fn columns(&self) -> [(&'static str, &Answer); 6] {
        [
            ("PKCE", &self.pkce),
            ("RFC 8414", &self.rfc8414),
            ("RFC 7591", &self.rfc7591),
            ("RFC 8707", &self.rfc8707),
            ("RFC 9207", &self.rfc9207),
            ("CIMD", &self.cimd),
        ]
    }
}

/// Judges an issuer by what was found. There must be at least one document.
pub(crate) fn evaluate(issuer: &str, places: &[Place]) -> Evaluation {
    let mut issues = Vec::new();
    let (used, metadata) = used(places);
    if metadata.issuer != issuer {
        issues.push(format!(
            "it calls itself {:?}: `authorization_servers` must say exactly that, clients compare letter for letter",
            metadata.issuer
        ));
    }
    if !used.in_order {
        issues.push("its only document is where MCP clients do not look".to_owned());
    }
    let known = products::product(metadata);
    let registration = registration(metadata, used, known.map(|known| known.rfc7591));
    let cimd = flag(
        metadata.client_id_metadata_document_supported,
        "client_id_metadata_document_supported",
        used,
    );
    let registration_path = match (cimd.word, registration.word) {
        ("yes", "no" | "closed") => "a client id metadata document",
        ("yes", _) => "a client id metadata document, or dynamic registration",
        (_, "no" | "closed") => "registration by hand (--client-id)",
        _ => "dynamic registration",
    };
    let pkce = pkce(metadata, used, &mut issues);
    look_further(metadata, &mut issues);
    Evaluation {
        issuer: issuer.to_owned(),
        provider: known.map(|known| known.name),
        pkce,
        rfc8414: placement(places),
        rfc7591: registration,
        rfc8707: Answer {
            word: known.map_or("unsaid", |known| known.rfc8707),
            because: match known {
                Some(known) => {
                    format!("no member of the metadata says so; known of {}", known.name)
                }
                None => "no member of the metadata says so: only a token's aud shows it".to_owned(),
            },
        },
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

/// The document that a client would use: the first in the order of the specification.
fn used(places: &[Place]) -> (&Place, &AuthorizationServerMetadata) {
    let mut found =
        places.iter().filter_map(|place| place.metadata.as_ref().map(|metadata| (place, metadata)));
    found.next().expect("judged only when there is a document")
}

fn pkce(metadata: &AuthorizationServerMetadata, used: &Place, issues: &mut Vec<String>) -> Answer {
    let member = "code_challenge_methods_supported";
    match &metadata.code_challenge_methods_supported {
        Some(methods) => {
            let s256 = offers_s256(metadata);
            if !s256 {
                issues.push("no S256: MCP clients refuse to go on".to_owned());
            }
            Answer {
                word: if s256 { "yes" } else { "no" },
                because: format!("{member} is {methods:?} in {}", used.url),
            }
        }
        None => {
            issues.push(format!(
                "{member} is missing: MCP clients must take that for a no and refuse"
            ));
            Answer { word: "unsaid", because: format!("no {member} in {}", used.url) }
        }
    }
}

fn placement(places: &[Place]) -> Answer {
    let at = |wanted: &str| {
        places.iter().find(|p| p.metadata.is_some() && p.standard.starts_with(wanted) && p.in_order)
    };
    let appended = places.iter().find(|p| p.metadata.is_some() && !p.in_order);
    match (at("RFC 8414"), appended, at("OpenID")) {
        (Some(place), ..) => Answer { word: "yes", because: place.url.clone() },
        (None, Some(place), _) => {
            Answer { word: "appended", because: format!("{}, not inserted", place.url) }
        }
        (None, None, Some(place)) => Answer { word: "OIDC only", because: place.url.clone() },
        (None, None, None) => Answer { word: "no", because: "nowhere".to_owned() },
    }
}

fn registration(
    metadata: &AuthorizationServerMetadata,
    used: &Place,
    known: Option<&'static str>,
) -> Answer {
    match &metadata.registration_endpoint {
        Some(endpoint) => Answer {
            word: known.unwrap_or("yes"),
            because: format!(
                "registration_endpoint is {endpoint}; whether it serves strangers only a registration tells"
            ),
        },
        None => Answer { word: "no", because: format!("no registration_endpoint in {}", used.url) },
    }
}

fn flag(value: Option<bool>, member: &str, used: &Place) -> Answer {
    match value {
        Some(true) => Answer { word: "yes", because: format!("{member} is true in {}", used.url) },
        Some(false) => Answer { word: "no", because: format!("{member} is false in {}", used.url) },
        None => Answer { word: "no", because: format!("no {member} in {}", used.url) },
    }
}

/// What else of a client's needs the metadata rules out.
fn look_further(metadata: &AuthorizationServerMetadata, issues: &mut Vec<String>) {
    let lacks = |list: &Option<Vec<String>>, word: &str| {
        list.as_ref().is_some_and(|list| !list.iter().any(|w| w == word))
    };
    if metadata.issuer.contains('{') {
        issues.push(
            "the issuer is a template: no token's iss will ever equal it; use a tenant's own"
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
            "token_endpoint_auth_methods_supported has no \"none\": clients on people's machines may need a secret or key"
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
    use crate::client::{context::urls, oauth::discovery};

    #[derive(Deserialize)]
    struct Recorded {
        name: String,
        issuer: String,
        /// Which of the places answer: `8414`, `inserted`, `openid`, `appended`.
        at: Vec<String>,
        document: AuthorizationServerMetadata,
        row: [String; 6],
        registration_path: String,
        issue: Option<String>,
    }

    fn places(recorded: &Recorded) -> Vec<Place> {
        let url = urls::secure(&recorded.issuer).unwrap();
        let mut places: Vec<_> = discovery::places(&url)
            .into_iter()
            .map(|(url, standard)| (url, standard, true))
            .collect();
        places.push((
            urls::well_known_appended(&url, discovery::SERVER),
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
        places
            .into_iter()
            .map(|(url, standard, in_order)| {
                let metadata = there(standard, in_order).then(|| recorded.document.clone());
                Place { url, standard, in_order, outcome: String::new(), metadata }
            })
            .collect()
    }

    #[test]
    fn seven_providers_are_judged_by_what_they_publish() {
        let all: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).unwrap();
        assert_eq!(all.len(), 7);
        for recorded in &all {
            let evaluation = evaluate(&recorded.issuer, &places(recorded));
            let name = &recorded.name;
            assert_eq!(evaluation.provider, Some(name.as_str()));
            assert_eq!(evaluation.columns().map(|(_, answer)| answer.word), recorded.row, "{name}");
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
    fn a_slash_too_few_is_pointed_out() {
        let all: Vec<Recorded> = serde_json::from_str(include_str!("recorded.json")).unwrap();
        let auth0 = all.iter().find(|r| r.name == "Auth0").unwrap();
        let evaluation = evaluate(auth0.issuer.trim_end_matches('/'), &places(auth0));
        assert!(evaluation.issues[0].contains("letter for letter"));
    }
}
