//! The official SDK, without sessions and with plain JSON answers, behind one check of a signature per request.

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use bench::{Check, check};
use rmcp::{
    Json, ServerHandler,
    handler::server::wrapper::Parameters,
    model::{ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::{Deserialize, Serialize};

#[derive(Clone)]
struct Echo;

#[derive(Deserialize, schemars::JsonSchema)]
struct EchoRequest {
    message: String,
}

#[derive(Serialize, schemars::JsonSchema)]
struct EchoResponse {
    text: String,
}

#[tool_router]
impl Echo {
    #[tool(description = "Echo a message")]
    fn echo(
        &self,
        Parameters(EchoRequest { message }): Parameters<EchoRequest>,
    ) -> Json<EchoResponse> {
        Json(EchoResponse { text: message })
    }
}

#[tool_handler]
impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main]
async fn main() {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service =
        StreamableHttpService::new(|| Ok(Echo), Arc::<NeverSessionManager>::default(), config);
    let auth = from_fn_with_state(Check::from_arguments(), check);
    bench::serve(Router::new().route_service("/mcp", service).layer(auth)).await;
}
