//! `--check`: an authorization server evaluated by its public metadata, as an MCP client will find it.
//!
//! Specs: those that the client itself follows ([`super::oauth`]). Nothing is registered and nobody logs in; what
//! the documents do not state is reported as such.

mod evaluate;
mod products;

use std::io::{self, IsTerminal, Write};

use reqwest::{StatusCode, header::WWW_AUTHENTICATE};
use serde::Serialize;
use url::Url;

use self::evaluate::evaluate;
use crate::{
    auth::{
        metadata::AuthorizationServerMetadata,
        urls::{AUTHORIZATION_SERVER, well_known_appended},
    },
    client::{
        context::{
            client::Client,
            error::{ClientError, chain},
            http::Response,
            options::Format,
            reporter::redact::{one_line, printable},
            urls,
        },
        oauth::{
            metadata::{
                Document, ResourceMetadata, document, resource_locations, server_locations,
            },
            unauthorized::AuthChallenge,
        },
    },
    jsonrpc::{Object, Request},
};

/// What was found at one of the locations where metadata may be.
#[derive(Debug, Clone, Serialize)]
struct Location {
    url: String,
    standard: &'static str,
    /// Whether clients try it: the appended RFC 8414 document is not in the order that MCP prescribes.
    in_order: bool,
    outcome: String,
    #[serde(skip)]
    metadata: Option<AuthorizationServerMetadata>,
}

/// A cell of the table: its value, and the document and property that it is from.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Finding {
    value: &'static str,
    source: String,
}

/// The row of the table, and what it means for a client.
#[derive(Debug, Clone, Serialize)]
struct Evaluation {
    issuer: String,
    /// The product, if it can be recognized by its URLs.
    provider: Option<&'static str>,
    pkce: Finding,
    rfc8414: Finding,
    rfc7591: Finding,
    rfc8707: Finding,
    rfc9207: Finding,
    cimd: Finding,
    /// How a client that is not pre-registered gets a client id.
    registration_path: &'static str,
    /// What in the documents stops clients.
    issues: Vec<String>,
    /// What is known about the product beyond its documents.
    notes: Vec<&'static str>,
}

impl Evaluation {
    fn columns(&self) -> [(&'static str, &Finding); 6] {
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

/// The output for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    documents: &'a [Location],
    evaluation: &'a Evaluation,
}

/// Evaluates the issuer that the options name, or each issuer of the MCP server that they name.
///
/// # Errors
/// When there is no metadata, or no response; the other issuers of the MCP server are evaluated nevertheless.
pub async fn run(client: &Client) -> Result<(), ClientError> {
    let mut result = Ok(());
    for issuer in issuers(client).await? {
        if let Err(error) = check(client, &issuer).await
            && let Err(earlier) = std::mem::replace(&mut result, Err(error))
        {
            client.reporter.warn(&chain(&earlier));
        }
    }
    result
}

async fn check(client: &Client, issuer: &str) -> Result<(), ClientError> {
    let locations = probe(client, issuer).await?;
    if locations.iter().all(|location| location.metadata.is_none()) {
        explain(client, &locations);
        return Err(ClientError::NoServerMetadata { issuer: issuer.to_owned() });
    }
    show(client, &evaluate(issuer, &locations), &locations);
    Ok(())
}

/// What was at each location instead of metadata.
fn explain(client: &Client, locations: &[Location]) {
    for Location { url, standard, outcome, .. } in locations {
        client.reporter.warn(&format!("{url} ({standard}): {outcome}"));
    }
}

/// The URL itself if it has metadata as an issuer, else the issuers that its protected resource metadata names.
async fn issuers(client: &Client) -> Result<Vec<String>, ClientError> {
    let given = client.options.check.clone().unwrap_or_default();
    let mut tried = probe(client, &given).await?;
    if tried.iter().any(|location| location.metadata.is_some()) {
        return Ok(vec![given]);
    }
    let mut no_issuer = |url, standard, outcome| {
        tried.push(Location { url, standard, in_order: true, outcome, metadata: None });
    };
    for url in resource_locations(&client.url) {
        match issuers_of_resource(client, &url).await {
            Ok(issuers) => return Ok(issuers),
            Err(outcome) => no_issuer(url, "RFC 9728", outcome),
        }
    }
    if let Some(url) = resource_metadata_url(client).await {
        match issuers_of_resource(client, &url).await {
            Ok(issuers) => return Ok(issuers),
            Err(outcome) => no_issuer(url, "the challenge", outcome),
        }
    }
    explain(client, &tried);
    Err(ClientError::NothingToCheck { url: given })
}

/// The issuers that a document names, or why it names none.
async fn issuers_of_resource(client: &Client, url: &str) -> Result<Vec<String>, String> {
    let response = client.http.document(url).await.map_err(|error| error.to_string())?;
    let metadata: ResourceMetadata = match document(&response) {
        Some(metadata) => metadata.map_err(|error| error.to_string())?,
        None => return Err(no_document::<ResourceMetadata>(&response)),
    };
    match metadata.authorization_servers {
        issuers if issuers.is_empty() => Err("it names no authorization server".to_owned()),
        issuers => Ok(issuers),
    }
}

fn no_document<T: Document>(response: &Response) -> String {
    match response.status.is_success() {
        true => format!("not a JSON object with a string `{}`", T::IDENTIFIER),
        false => response.status.to_string(),
    }
}

/// The `resource_metadata` of the challenge to a harmless request.
async fn resource_metadata_url(client: &Client) -> Option<String> {
    let ping = Request::new(1, "ping", Object::new());
    let response = client.http.json(client.url.as_str(), &ping).await.ok()?;
    if response.status != StatusCode::UNAUTHORIZED
        || !response.headers.contains_key(WWW_AUTHENTICATE)
    {
        return None;
    }
    let challenge = AuthChallenge::from_response(401, &response.headers, None, false).ok()?;
    challenge.param("resource_metadata").map(str::to_owned)
}

async fn probe(client: &Client, issuer: &str) -> Result<Vec<Location>, ClientError> {
    let url: Url = urls::secure(issuer)?;
    let mut candidates: Vec<_> =
        server_locations(&url).into_iter().map(|(url, name)| (url, name, true)).collect();
    let appended = well_known_appended(url.as_str(), AUTHORIZATION_SERVER);
    if candidates.iter().all(|(url, ..)| *url != appended) {
        candidates.push((appended, "RFC 8414, but appended", false));
    }
    let mut locations = Vec::new();
    let mut failure = None;
    for (url, standard, in_order) in candidates {
        let (outcome, metadata) = match client.http.document(&url).await {
            Ok(response) => match document(&response) {
                Some(Ok(metadata)) => ("metadata".to_owned(), Some(metadata)),
                Some(Err(error)) => (error.to_string(), None),
                None => (no_document::<AuthorizationServerMetadata>(&response), None),
            },
            // The other locations are on the same host.
            Err(error @ (ClientError::Unreachable { .. } | ClientError::TimedOut { .. })) => {
                failure = Some(error);
                break;
            }
            Err(error) => {
                let outcome = (error.to_string(), None);
                failure = Some(error);
                outcome
            }
        };
        locations.push(Location { url, standard, in_order, outcome, metadata });
    }
    match failure {
        // A host that does not respond is not a provider without metadata.
        Some(error)
            if locations.iter().all(|location| location.metadata.is_none())
                && !matches!(error, ClientError::Redirected { .. }) =>
        {
            Err(error)
        }
        _ => Ok(locations),
    }
}

fn show(client: &Client, evaluation: &Evaluation, locations: &[Location]) {
    let mut out = io::stdout().lock();
    let json = match client.options.format {
        Format::Auto => !io::stdout().is_terminal(),
        Format::Json => true,
        Format::Table => false,
    };
    // A closed pipe does not stop the run.
    let _ = if json {
        let report = serde_json::to_string(&Report { documents: locations, evaluation });
        writeln!(out, "{}", one_line(&report.unwrap_or_default()))
    } else {
        table(evaluation, locations)
            .iter()
            .try_for_each(|line| writeln!(out, "{}", printable(line)))
    };
}

/// The row of the tutorial's table, then its sources, then what to expect.
fn table(evaluation: &Evaluation, locations: &[Location]) -> Vec<String> {
    let name = evaluation.provider.unwrap_or(&evaluation.issuer);
    let columns = evaluation.columns();
    let mut lines = vec![evaluation.issuer.clone(), String::new()];
    lines.push(format!("| Identity Provider | {} |", columns.map(|(name, _)| name).join(" | ")));
    lines.push(format!("|---|{}", "---|".repeat(columns.len())));
    lines.push(format!(
        "| **{name}** | {} |",
        columns.map(|(_, finding)| finding.value).join(" | ")
    ));
    lines.push(String::new());
    lines.extend(
        columns.map(|(name, Finding { value, source })| format!("{name:<9} {value:<10} {source}")),
    );
    lines.push(String::new());
    lines.push("documents:".to_owned());
    lines.extend(locations.iter().map(|l| format!("  {} ({}): {}", l.url, l.standard, l.outcome)));
    lines.push(String::new());
    lines.push(format!("an MCP client gets a client id by: {}", evaluation.registration_path));
    lines.extend(evaluation.issues.iter().map(|issue| format!("  ! {issue}")));
    lines.extend(evaluation.notes.iter().map(|note| format!("  - {note}")));
    lines.push(String::new());
    lines
}
