//! From a refusal to the authorization server's own description: whom to ask for a token, and how.
//!
//! Rules: RFC 9728 sections 3 and 5.1, RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4; MCP authorization
//! "Protected Resource Metadata Discovery Requirements" and "Authorization Server Metadata Discovery".

use serde::Deserialize;
use url::Url;

use crate::{
    auth::metadata::{AuthorizationServerMetadata, ProtectedResource},
    client::{
        context::{client::Client, error::ClientError, http::Answer, reporter::Stage, urls},
        oauth::unauthorized::AuthChallenge,
    },
    principal::ScopeSet,
};

const RESOURCE: &str = "oauth-protected-resource";
pub(crate) const SERVER: &str = "oauth-authorization-server";
pub(crate) const OPENID: &str = "openid-configuration";

/// What the server says of itself as a resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The resource identifier, byte for byte as it was written.
    pub(crate) identifier: String,
    pub(crate) issuers: Vec<String>,
    pub(crate) scopes: ScopeSet,
    /// Whether tokens must be bound to a key (RFC 9728, 2).
    pub(crate) dpop: bool,
}

/// \[2\], \[3\]: reads the challenge, then the metadata of the protected resource.
///
/// # Errors
/// When there is no challenge, no metadata, or metadata of another resource.
pub async fn protected_resource(
    client: &Client,
    refusal: &AuthChallenge,
) -> Result<Resource, ClientError> {
    let report = &client.report;
    report.stage(Stage::Challenge, "The challenge: who may help?");
    for challenge in refusal.challenges() {
        report.note(&format!("{challenge}"));
    }
    let named = refusal.param("resource_metadata");
    let tried = match named {
        Some(url) => vec![url.to_owned()],
        None => {
            report.note(
                "no resource_metadata in it: the well-known places are tried (RFC 9728, 3.1)",
            );
            candidates(&client.url)
        }
    };
    report.stage(Stage::ResourceMetadata, "The protected resource's metadata (RFC 9728)");
    let what = "protected resource metadata";
    let mut failure = None;
    for url in &tried {
        let Some(answer) = asked(client, url, &mut failure).await? else {
            continue;
        };
        if !answer.status.is_success() {
            let (url, status) = (url.clone(), answer.status.as_u16());
            failure = failure.or(named.map(|_| ClientError::Status { what, url, status }));
            continue;
        }
        if let Err(error) = answer.json::<AboutResource>(what) {
            failure.get_or_insert(error);
            continue;
        }
        // From here on it is a document of the kind that was asked for, and no other place is asked.
        let metadata: ProtectedResource = answer.json(what)?;
        if !urls::covers(&metadata.resource, &client.url) {
            return Err(ClientError::ResourceMismatch {
                document: url.clone(),
                found: metadata.resource,
                url: client.url.to_string(),
            });
        }
        report.verified(&format!(
            "`resource` is {}",
            match metadata.resource == client.options.url {
                true => "the URL that was asked",
                false => "a parent of the URL that was asked",
            }
        ));
        return Ok(resource(metadata, &answer));
    }
    Err(failure.unwrap_or(ClientError::NoResourceMetadata))
}

/// What tells protected resource metadata from a page or an error document.
#[derive(Deserialize)]
struct AboutResource {
    #[serde(rename = "resource")]
    _resource: String,
}

/// The same for an authorization server.
#[derive(Deserialize)]
struct AboutIssuer {
    #[serde(rename = "issuer")]
    _issuer: String,
}

/// What a place answers. One that leads to another server has no document for us; the first such is remembered, for
/// the case that no place has one.
async fn asked(
    client: &Client,
    url: &str,
    failure: &mut Option<ClientError>,
) -> Result<Option<Answer>, ClientError> {
    match client.http.document(url).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error @ ClientError::Redirected { .. }) => {
            failure.get_or_insert(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Below the path of the MCP endpoint first, then at the root.
pub(crate) fn candidates(url: &Url) -> Vec<String> {
    let mut places = vec![urls::well_known(url, RESOURCE), urls::well_known_root(url, RESOURCE)];
    places.dedup();
    places
}

fn resource(metadata: ProtectedResource, answer: &Answer) -> Resource {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct More {
        dpop_bound_access_tokens_required: Option<bool>,
    }
    let more: More = answer.json("protected resource metadata").unwrap_or_default();
    Resource {
        identifier: metadata.resource,
        issuers: metadata.authorization_servers,
        scopes: metadata.scopes_supported.into_iter().collect(),
        dpop: more.dpop_bound_access_tokens_required == Some(true),
    }
}

/// \[4\], \[5\]: chooses an authorization server and reads its metadata.
///
/// # Errors
/// When none is named, none describes itself, or the description is of another issuer.
pub async fn authorization_server(
    client: &Client,
    resource: &Resource,
) -> Result<AuthorizationServerMetadata, ClientError> {
    let report = &client.report;
    let issuer = match &client.options.issuer {
        Some(wanted) => resource.issuers.iter().find(|issuer| *issuer == wanted),
        None => resource.issuers.first(),
    };
    let issuer = issuer.ok_or(ClientError::NoAuthorizationServer)?;
    report.stage(Stage::AuthorizationServer, &format!("The authorization server: {issuer}"));
    if resource.issuers.len() > 1 {
        report.note(&format!("{} are named; --issuer chooses another", resource.issuers.len()));
    }
    report.stage(Stage::ServerMetadata, "The authorization server's metadata (RFC 8414)");
    let mut failure = None;
    for (url, _) in places(&urls::secure(issuer)?) {
        let answer = asked(client, &url, &mut failure).await?;
        let Some(metadata) = answer.as_ref().and_then(described) else {
            continue;
        };
        // Not the next place, but the end: whoever publishes this claims to be somebody else (RFC 8414, 3.3).
        if metadata.issuer != *issuer {
            return Err(ClientError::MetadataIssuerMismatch {
                document: url,
                found: metadata.issuer,
                issuer: issuer.clone(),
            });
        }
        for endpoint in [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.registration_endpoint,
        ] {
            endpoint.as_deref().map(urls::secure).transpose()?;
        }
        report.verified("`issuer` is the one that was asked for, letter for letter");
        return Ok(metadata);
    }
    Err(failure.unwrap_or_else(|| ClientError::NoServerMetadata { issuer: issuer.clone() }))
}

/// A metadata document, when the answer is one. Some servers answer every path with 200 and a page or an error.
pub(crate) fn described(answer: &Answer) -> Option<AuthorizationServerMetadata> {
    let what = "authorization server metadata";
    answer.json::<AboutIssuer>(what).ok().filter(|_| answer.status.is_success())?;
    answer.json(what).ok()
}

/// Where an issuer's metadata may be, in the order that MCP prescribes, and the standard that says so.
pub(crate) fn places(issuer: &Url) -> Vec<(String, &'static str)> {
    let mut places = vec![
        (urls::well_known(issuer, SERVER), "RFC 8414"),
        (urls::well_known(issuer, OPENID), "OpenID Connect Discovery, path inserted"),
        (urls::well_known_appended(issuer, OPENID), "OpenID Connect Discovery"),
    ];
    // Without a path the last two are one.
    if places[1].0 == places[2].0 {
        places.remove(1);
    }
    places
}

/// Whether proof keys with S256 are offered (RFC 7636; MCP authorization, "Authorization Code Protection").
pub(crate) fn offers_s256(metadata: &AuthorizationServerMetadata) -> bool {
    let methods = metadata.code_challenge_methods_supported.as_deref();
    methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_issuer_has_three_places_and_a_root_issuer_two() {
        let urls = |issuer| -> Vec<String> {
            places(&Url::parse(issuer).unwrap()).into_iter().map(|(url, _)| url).collect()
        };
        assert_eq!(
            urls("https://auth.example.com/tenant1"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
                "https://auth.example.com/.well-known/openid-configuration/tenant1",
                "https://auth.example.com/tenant1/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            urls("https://auth.example.com"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server",
                "https://auth.example.com/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn resource_metadata_is_looked_for_below_the_path_and_then_at_the_root() {
        assert_eq!(
            candidates(&Url::parse("https://example.com/public/mcp").unwrap()),
            [
                "https://example.com/.well-known/oauth-protected-resource/public/mcp",
                "https://example.com/.well-known/oauth-protected-resource",
            ]
        );
    }
}
