//! `GET /docs`: the guide, a page that explains this server and lets the reader try it in the browser. From the first
//! login on it also runs the authorization flow. The protected resource metadata links to it (RFC 9728, 2,
//! `resource_documentation`).
//!
//! Specs: CSP Level 3 (one script and one style, allowed by their hashes; no frames), RFC 9700 section 4.2.4 (a page
//! that receives a code sends no `Referer`). The page loads nothing else: no fonts, images or scripts from anywhere. It
//! finds out what the server supports by calling it, see `facts`, and can be read without JavaScript.
//!
//! ```
//! use axum::Router;
//! use mcp_auth::{config::Config, docs};
//!
//! /// Mounts the guide beside any application.
//! fn with_guide(config: &Config, app: Router) -> Router {
//!     app.clone().nest("/docs", docs::guide(config, app))
//! }
//! ```

mod code_changes;
mod diagram;
mod facts;
mod headers;
mod requests;

use std::{path::Path, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use url::Url;

use self::{
    code_changes::CodeChanges,
    diagram::Diagram,
    facts::Facts,
    requests::{Sample, samples},
};
use crate::{
    config::{Config, PublicUrl},
    origin,
    program::{self, ProgramInfo},
};

/// The guide to `app`, for mounting at `/docs`.
pub fn guide(config: &Config, app: Router) -> Router {
    let guide = Guide { config: Arc::new(config.clone()), app };
    Router::new()
        .route("/", get(page).with_state(guide))
        .route("/callback", get(callback))
        .layer(origin::layer(&config.origins))
}

#[derive(Debug, Clone)]
struct Guide {
    config: Arc<Config>,
    app: Router,
}

/// The style of both pages.
const STYLE: &str = include_str!("style.css");

/// The script of the guide: one module, in a file for each subject.
const SCRIPT: &str = concat!(
    include_str!("script/dom.js"),
    include_str!("script/http.js"),
    include_str!("script/challenge.js"),
    include_str!("script/oauth.js"),
    include_str!("script/claims.js"),
    include_str!("script/login.js"),
    include_str!("script/dpop.js"),
    include_str!("script/stages.js"),
    include_str!("script/flow.js"),
    include_str!("script/page.js"),
);

/// The script of the redirect URI: passes the authorization response to the guide.
const CALLBACK: &str = include_str!("script/callback.js");

#[derive(Debug, Template)]
#[template(path = "docs/page.html", config = "src/askama.toml")]
struct Page<'a> {
    program: &'a ProgramInfo,
    base: &'a str,
    keys_dir: &'a Path,
    facts: &'a Facts,
    changes: CodeChanges,
    diagram: Diagram,
    samples: Vec<Sample>,
}

impl Page<'_> {
    /// The two parts of `Step 6: bearer authentication.`
    fn title(&self) -> (&str, &str) {
        let title = self.program.title.trim_end_matches('.');
        title.split_once(": ").unwrap_or(("", title))
    }

    /// `6` of `step6`, as the scripts take it.
    fn number(&self) -> &str {
        self.program.name.trim_start_matches(char::is_alphabetic)
    }

    /// The command that signs a token with the key pair of this server.
    fn gen_token(&self) -> String {
        format!("cargo run -q {} --username alice --print-token", program::gen_token(self.keys_dir))
    }

    /// The example command, one option on each line.
    fn example(&self) -> String {
        self.program.example.replace(" -H ", " \\\n  -H ").replace(" -d ", " \\\n  -d ")
    }
}

#[derive(Debug, Template)]
#[template(path = "docs/callback.html", config = "src/askama.toml")]
struct CallbackPage;

async fn page(State(Guide { config, app }): State<Guide>, headers: HeaderMap) -> Response {
    if let Some(url) = under_public_name(&config.public_url, &headers) {
        return Redirect::temporary(&url).into_response();
    }
    let facts = Facts::of(&app, &config.public_url).await;
    let base = config.public_url.as_str();
    // The page sends requests to this server, under its public URL, and to the authorization server.
    let servers: Vec<&str> = [base].into_iter().chain(facts.issuer()).collect();
    let page = Page {
        program: &config.program,
        base,
        keys_dir: &config.keys_dir,
        changes: CodeChanges::of(&config.program),
        diagram: Diagram::new(&facts, &config.program.adds),
        samples: samples(&facts),
        facts: &facts,
    };
    headers::html(&page, SCRIPT, &servers)
}

/// Where to go when the page was requested as `127.0.0.1:9000` and the public URL says `localhost:9000`: the documents
/// and tokens contain the public URL, so the flow works under that name only. Behind a port mapping nothing is known
/// about the name that leads here, so the port must be the same.
fn under_public_name(public_url: &PublicUrl, headers: &HeaderMap) -> Option<String> {
    let public = Url::parse(public_url.as_str()).ok()?;
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let requested = Url::parse(&format!("{}://{host}", public.scheme())).ok()?;
    let is_loopback = |url: &Url| {
        url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
    };
    let same_server = is_loopback(&public)
        && is_loopback(&requested)
        && public.port_or_known_default() == requested.port_or_known_default();
    (same_server && public.host() != requested.host()).then(|| public_url.join("/docs"))
}

async fn callback() -> Response {
    headers::html(&CallbackPage, CALLBACK, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_loopback_name_on_the_same_port_leads_to_the_public_url() {
        let target = |public_url: &str, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            under_public_name(&public_url.parse().unwrap(), &headers)
        };
        let localhost = "http://localhost:9000";
        let docs = Some("http://localhost:9000/docs".to_owned());
        assert_eq!(target(localhost, "127.0.0.1:9000"), docs);
        assert_eq!(target(localhost, "[::1]:9000"), docs);
        assert_eq!(
            target("http://127.0.0.1:9000", "localhost:9000"),
            Some("http://127.0.0.1:9000/docs".to_owned())
        );
        for (public_url, host) in [
            (localhost, "localhost:9000"),
            (localhost, "LOCALHOST:9000"),
            (localhost, "127.0.0.1:19000"),
            ("https://mcp.example.com", "127.0.0.1:9000"),
            (localhost, "evil.example.com:9000"),
            (localhost, "127.0.0.1:9000@evil.example.com"),
        ] {
            assert_eq!(target(public_url, host), None, "{public_url} {host}");
        }
    }
}
