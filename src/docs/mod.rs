//! `GET /docs`: a page for people, which explains this server and lets them try it, and from the first login on walks
//! through it. The protected resource's metadata points to it (RFC 9728, 2, `resource_documentation`).
//!
//! Rules: CSP Level 3 (only our own script and style, known by their hash; no frames), RFC 9700 section 4.2.4 (a page
//! that has seen a code tells nobody where it was). One page and nothing else: no fonts, pictures or scripts from
//! anywhere. It learns what the server can do by asking it, see `facts`, and reads without JavaScript, too.
//!
//! ```
//! use axum::Router;
//! use mcp_auth::{config::Config, docs};
//!
//! /// Whatever `app` is: the page asks it what it can do.
//! fn with_a_page(config: &Config, app: Router) -> Router {
//!     app.clone().nest("/docs", docs::guide(config, app))
//! }
//! ```

mod diagram;
mod facts;
mod headers;
mod requests;

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};

use self::{
    diagram::Diagram,
    facts::Facts,
    requests::{Sample, samples},
};
use crate::{config::Config, origin, program::ProgramInfo};

/// The page about `app`, for mounting at a path of its own.
pub fn guide(config: &Config, app: Router) -> Router {
    let guide = Guide { config: Arc::new(config.clone()), app };
    Router::new()
        .route("/", get(page).with_state(guide))
        .route("/callback", get(callback))
        .layer(origin::validate(&config.origins))
}

#[derive(Debug, Clone)]
struct Guide {
    config: Arc<Config>,
    app: Router,
}

/// The page's style, which both pages have.
const STYLE: &str = include_str!("style.css");

/// The page's script: one module, written in files of one subject each.
const SCRIPT: &str = concat!(
    include_str!("script/dom.js"),
    include_str!("script/http.js"),
    include_str!("script/challenge.js"),
    include_str!("script/oauth.js"),
    include_str!("script/claims.js"),
    include_str!("script/login.js"),
    include_str!("script/stages.js"),
    include_str!("script/walk.js"),
    include_str!("script/page.js"),
);

/// Hands what came back from the login page to the page that waits for it.
const CALLBACK: &str = include_str!("script/callback.js");

#[derive(Debug, Template)]
#[template(path = "docs/page.html", config = "src/askama.toml")]
struct Page<'a> {
    program: &'a ProgramInfo,
    base: &'a str,
    facts: &'a Facts,
    diagram: Diagram,
    samples: Vec<Sample>,
}

impl Page<'_> {
    /// `Step 6` and `no token, no entry`, of `Step 6: no token, no entry.`
    fn title(&self) -> (&str, &str) {
        let title = self.program.title.trim_end_matches('.');
        title.split_once(": ").unwrap_or(("", title))
    }

    /// The command to begin with, one option a line.
    fn try_it(&self) -> String {
        self.program
            .example_for(self.base)
            .replace(" -H ", " \\\n  -H ")
            .replace(" -d ", " \\\n  -d ")
    }
}

#[derive(Debug, Template)]
#[template(path = "docs/callback.html", config = "src/askama.toml")]
struct CallbackPage;

async fn page(State(Guide { config, app }): State<Guide>) -> Response {
    let facts = Facts::of(&app, &config.public_url).await;
    let base = config.public_url.as_str();
    // The page talks to us, under the name that we have for the world, and to who logs people in.
    let servers: Vec<&str> = [base].into_iter().chain(facts.issuer()).collect();
    let page = Page {
        program: &config.program,
        base,
        diagram: Diagram::new(&facts, &config.program.adds),
        samples: samples(&facts),
        facts: &facts,
    };
    headers::html(&page, SCRIPT, &servers)
}

async fn callback() -> Response {
    headers::html(&CallbackPage, CALLBACK, &[])
}
