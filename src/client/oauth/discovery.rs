//! Discovery: from a 401 to the authorization server's metadata.
//!
//! Specs: RFC 9728 sections 3 and 5.1, RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4; MCP
//! authorization "Protected Resource Metadata Discovery Requirements", "Authorization Server Metadata Discovery" and
//! "Authorization Code Protection".

use crate::{
    auth::metadata::AuthorizationServerMetadata,
    client::{
        context::{
            client::Client,
            error::ClientError,
            options::{Grant, ProtocolVersion},
            reporter::Stage,
            urls,
        },
        oauth::{
            metadata::{
                ResourceMetadata, first_document, has_server_metadata, offers_s256,
                resource_locations, server_locations,
            },
            unauthorized::AuthChallenge,
        },
    },
};

/// \[2\], \[3\]: reads the challenge, then the metadata of the protected resource.
///
/// # Errors
/// When there is no metadata, or only that of another resource.
pub async fn protected_resource(
    client: &Client,
    challenge: &AuthChallenge,
) -> Result<ResourceMetadata, ClientError> {
    let reporter = &client.reporter;
    reporter.stage(Stage::Challenge, "Read the challenge (WWW-Authenticate)");
    challenge.challenges().for_each(|challenge| reporter.note(&challenge.to_string()));
    challenge.problems.iter().for_each(|problem| reporter.warn(problem));
    if client.options.protocol_version == ProtocolVersion::V2025_03_26 {
        reporter.note("MCP 2025-03-26: the server's own origin is the authorization server");
        return Ok(ResourceMetadata::legacy(&client.url));
    }
    let advertised = challenge.param("resource_metadata").map(|url| vec![url.to_owned()]);
    if advertised.is_none() {
        reporter.note("no resource_metadata: the well-known locations are tried (RFC 9728, 3.1)");
    }
    let locations = advertised.clone().unwrap_or_else(|| resource_locations(&client.url));

    reporter.stage(Stage::ResourceMetadata, "Fetch the protected resource metadata (RFC 9728)");
    let (document, metadata) =
        match first_document::<ResourceMetadata>(client, &locations, advertised.is_some()).await {
            Ok(found) => found,
            Err(Some(error)) => return Err(error),
            Err(None) if has_server_metadata(client).await => {
                let origin = client.url.origin().ascii_serialization();
                return Err(ClientError::LegacyDiscovery { origin });
            }
            Err(None) => return Err(ClientError::NoResourceMetadata),
        };
    // A token for another resource could be replayed there (RFC 9728, 3.3).
    if !urls::covers(&metadata.resource, &client.url) {
        return Err(ClientError::ResourceMismatch {
            document,
            found: metadata.resource,
            url: client.url.to_string(),
        });
    }
    let is_parent = metadata.resource != client.options.url;
    let relation = if is_parent { "a parent of the requested URL" } else { "the requested URL" };
    reporter.verified(&format!("`resource` is {relation}"));
    Ok(metadata)
}

/// \[4\], \[5\]: selects an authorization server, and reads and validates its metadata.
///
/// # Errors
/// When no authorization server is named or trusted, or its metadata is missing, of another issuer or without PKCE.
pub async fn authorization_server(
    client: &Client,
    resource: &ResourceMetadata,
) -> Result<AuthorizationServerMetadata, ClientError> {
    let (reporter, options) = (&client.reporter, &client.options);
    let issuer = select_issuer(client, resource)?;
    reporter
        .stage(Stage::AuthorizationServer, &format!("Select the authorization server: {issuer}"));
    if resource.authorization_servers.len() > 1 {
        let count = resource.authorization_servers.len();
        reporter.note(&format!("{count} are named; --issuer selects another one"));
    }

    reporter.stage(Stage::ServerMetadata, "Fetch the authorization server metadata (RFC 8414)");
    let locations: Vec<_> =
        server_locations(&urls::secure(&issuer)?).into_iter().map(|(url, _)| url).collect();
    let (document, metadata) =
        first_document::<AuthorizationServerMetadata>(client, &locations, false).await.map_err(
            |error| {
                error.unwrap_or_else(|| ClientError::NoServerMetadata { issuer: issuer.clone() })
            },
        )?;
    // Not the next location, but the end: this server claims to be another one (RFC 8414, 3.3).
    if metadata.issuer != issuer {
        let found = metadata.issuer;
        return Err(ClientError::MetadataIssuerMismatch { document, found, issuer });
    }
    reporter.verified("`issuer` equals the issuer that was named, byte for byte");
    for endpoint in [&metadata.token_endpoint, &metadata.registration_endpoint] {
        endpoint.as_deref().map(urls::secure).transpose()?;
    }
    if options.grant == Grant::AuthorizationCode {
        if let Some(endpoint) = &metadata.authorization_endpoint {
            client.http.check_browser_url(endpoint).await?;
        }
        if offers_s256(&metadata) {
            reporter.verified("it supports PKCE with S256: a stolen code cannot be exchanged");
        } else if options.assume_pkce_s256 {
            reporter.warn("the authorization server does not advertise PKCE; without it a stolen code can be exchanged");
        } else {
            return Err(ClientError::NoPkce { issuer });
        }
    }
    Ok(metadata)
}

/// The issuer of `--issuer`, else the first that the resource names. Credentials that are sent without a user go to a
/// pinned issuer only (MCP authorization, "Authorization Server Binding").
fn select_issuer(client: &Client, resource: &ResourceMetadata) -> Result<String, ClientError> {
    let named = &resource.authorization_servers;
    let issuer = match &client.options.issuer {
        Some(pinned) if named.contains(pinned) => pinned,
        Some(pinned) if !named.is_empty() => {
            return Err(ClientError::IssuerNotNamed {
                issuer: pinned.clone(),
                named: named.join(", "),
            });
        }
        _ => named.first().ok_or(ClientError::NoAuthorizationServer)?,
    };
    if issuer.contains('{') {
        return Err(ClientError::IssuerTemplate { issuer: issuer.clone() });
    }
    match client.options.unattended_credentials() {
        Some(what) if client.options.issuer.is_none() => {
            Err(ClientError::IssuerNotPinned { issuer: issuer.clone(), what })
        }
        _ => Ok(issuer.clone()),
    }
}
