//! An identity provider, judged by its public documents: what an MCP client will find there, and what it will run into.
//!
//! Rules: those that the client itself follows ([`super::discovery`], [`super::registration`],
//! [`super::authorization`]). Nothing is registered and nobody logs in; where documents cannot tell, that is said.

mod evaluate;
mod products;

use std::io::{self, IsTerminal, Write};

use reqwest::{StatusCode, header::WWW_AUTHENTICATE};
use serde::Serialize;
use serde_json::json;
use url::Url;

use self::evaluate::{Answer, Evaluation};
use crate::{
    auth::metadata::{AuthorizationServerMetadata, ProtectedResource},
    client::{
        cli::run::RunOutcome,
        context::{
            client::Client,
            error::ClientError,
            redact::{one_line, printable},
            urls,
        },
        oauth::{
            discovery::{self, SERVER},
            unauthorized::AuthChallenge,
        },
    },
};

/// What was found at one of the places where metadata may be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) standard: &'static str,
    /// Whether clients look there: the appended RFC 8414 document is outside of the order that MCP prescribes.
    pub(crate) in_order: bool,
    pub(crate) outcome: String,
    #[serde(skip)]
    pub(crate) metadata: Option<AuthorizationServerMetadata>,
}

/// Judges the issuer that the options name, or each issuer of the MCP server that they name.
///
/// # Errors
/// When nothing there describes itself, or nothing answers.
pub async fn run(client: &Client) -> Result<RunOutcome, ClientError> {
    for issuer in issuers(client).await? {
        let places = probe(client, &issuer).await?;
        if places.iter().all(|place| place.metadata.is_none()) {
            return Err(ClientError::NoServerMetadata { issuer });
        }
        show(client, &evaluate::evaluate(&issuer, &places), &places);
    }
    Ok(RunOutcome::Done)
}

/// The URL itself when it describes itself as an issuer, else those that its protected resource names.
async fn issuers(client: &Client) -> Result<Vec<String>, ClientError> {
    let given = client.options.check.clone().unwrap_or_default();
    if probe(client, &given).await?.iter().any(|place| place.metadata.is_some()) {
        return Ok(vec![given]);
    }
    for url in discovery::candidates(&client.url) {
        if let Some(issuers) = named(client, &url).await {
            return Ok(issuers);
        }
    }
    if let Some(url) = challenged(client).await
        && let Some(issuers) = named(client, &url).await
    {
        return Ok(issuers);
    }
    Err(ClientError::NoServerMetadata { issuer: given })
}

/// The issuers that a protected resource's metadata names.
async fn named(client: &Client, url: &str) -> Option<Vec<String>> {
    let answer = client.http.document(url).await.ok()?;
    let resource: ProtectedResource = answer.json("protected resource metadata").ok()?;
    Some(resource.authorization_servers)
        .filter(|issuers| answer.status.is_success() && !issuers.is_empty())
}

/// Where a challenge says that the metadata is: asked for with a harmless request.
async fn challenged(client: &Client) -> Option<String> {
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let answer = client.http.json(client.url.as_str(), &ping).await.ok()?;
    if answer.status != StatusCode::UNAUTHORIZED || !answer.headers.contains_key(WWW_AUTHENTICATE) {
        return None;
    }
    let refusal = AuthChallenge::read(401, &answer.headers, None).ok()?;
    refusal.param("resource_metadata").map(str::to_owned)
}

async fn probe(client: &Client, issuer: &str) -> Result<Vec<Place>, ClientError> {
    let url: Url = urls::secure(issuer)?;
    let mut wanted: Vec<_> =
        discovery::places(&url).into_iter().map(|(url, name)| (url, name, true)).collect();
    let appended = urls::well_known_appended(&url, SERVER);
    if wanted.iter().all(|(url, ..)| *url != appended) {
        wanted.push((appended, "RFC 8414, but appended", false));
    }
    let mut places = Vec::new();
    let mut failure = None;
    for (url, standard, in_order) in wanted {
        let (outcome, metadata) = match client.http.document(&url).await {
            Ok(answer) => match discovery::described(&answer) {
                Some(metadata) => ("metadata".to_owned(), Some(metadata)),
                None if answer.status.is_success() => ("no metadata".to_owned(), None),
                None => (answer.status.to_string(), None),
            },
            Err(error) => {
                let outcome = (error.to_string(), None);
                failure = Some(error);
                outcome
            }
        };
        places.push(Place { url, standard, in_order, outcome, metadata });
    }
    match failure {
        // A host that answers nowhere is not a provider without metadata.
        Some(error)
            if places.iter().all(|p| p.metadata.is_none())
                && !matches!(error, ClientError::Redirected { .. }) =>
        {
            Err(error)
        }
        _ => Ok(places),
    }
}

fn show(client: &Client, evaluation: &Evaluation, places: &[Place]) {
    let mut out = io::stdout().lock();
    // Whoever closed the pipe has seen enough.
    let _ = if client.options.json || !io::stdout().is_terminal() && !client.options.table {
        let document = json!({"documents": places, "evaluation": evaluation});
        writeln!(out, "{}", one_line(&document.to_string()))
    } else {
        table(evaluation, places).iter().try_for_each(|line| writeln!(out, "{}", printable(line)))
    };
}

/// The row of the tutorial's table, then the reasons, then what to expect.
fn table(evaluation: &Evaluation, places: &[Place]) -> Vec<String> {
    let name = evaluation.provider.unwrap_or(&evaluation.issuer);
    let columns = evaluation.columns();
    let mut lines = vec![evaluation.issuer.clone(), String::new()];
    lines.push(format!("| Identity Provider | {} |", columns.map(|(name, _)| name).join(" | ")));
    lines.push(format!("|---|{}", "---|".repeat(columns.len())));
    lines.push(format!("| **{name}** | {} |", columns.map(|(_, answer)| answer.word).join(" | ")));
    lines.push(String::new());
    lines.extend(
        columns.map(|(name, Answer { word, because })| format!("{name:<9} {word:<9} {because}")),
    );
    lines.push(String::new());
    lines.push("documents:".to_owned());
    lines.extend(places.iter().map(|p| format!("  {} ({}): {}", p.url, p.standard, p.outcome)));
    lines.push(String::new());
    lines.push(format!("an MCP client gets in by: {}", evaluation.registration_path));
    lines.extend(evaluation.issues.iter().map(|issue| format!("  ! {issue}")));
    lines.extend(evaluation.notes.iter().map(|remark| format!("  - {remark}")));
    lines.push(String::new());
    lines
}
