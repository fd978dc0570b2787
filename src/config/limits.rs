//! Limits on what clients can take of this server. The defaults are meant for production.

use std::time::Duration;

use clap::Args;

use super::values::seconds;
use crate::{auth::verify::token_cache, jsonrpc};

/// Limits on what clients can take of this server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Largest request body, in bytes; more is answered with 413.
    #[arg(long, env = "MCP_MAX_BODY_SIZE", default_value_t = 1024 * 1024, value_name = "BYTES")]
    pub max_body_size: usize,

    /// Largest request head (request line and headers), in bytes; more is answered with 431.
    #[arg(long, env = "MCP_MAX_HEADER_SIZE", default_value = "32768", value_parser = header_size, value_name = "BYTES")]
    pub max_header_size: usize,

    /// Deepest nesting of a JSON message.
    #[arg(long, env = "MCP_MAX_JSON_DEPTH", default_value_t = jsonrpc::DEFAULT_MAX_DEPTH, value_name = "LEVELS")]
    pub max_json_depth: usize,

    /// Largest response to an MCP request, in bytes; more is answered with a JSON-RPC error.
    #[arg(long, env = "MCP_MAX_RESULT_SIZE", default_value_t = jsonrpc::DEFAULT_MAX_RESULT_BYTES, value_name = "BYTES")]
    pub max_result_size: usize,

    /// How long a connection may take to send the head of its next request, in seconds; then it is closed. It counts from
    /// the previous response, so it is also how long a connection may be idle.
    #[arg(long, env = "MCP_HEADER_READ_TIMEOUT", default_value = "75", value_parser = seconds, value_name = "SECONDS")]
    pub header_read_timeout: Duration,

    /// How long a request may take from its head to its response, its body included, in seconds; then it is answered
    /// with 408.
    #[arg(long, env = "MCP_REQUEST_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,

    /// How long a client may take to receive a response, in seconds; then its connection is closed.
    #[arg(long, env = "MCP_WRITE_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub write_timeout: Duration,

    /// Open connections; the next one is answered with 503 and closed.
    #[arg(long, env = "MCP_MAX_CONNECTIONS", default_value = "10000", value_parser = count, value_name = "COUNT")]
    pub max_connections: usize,

    /// Requests in flight at the same time; the next one is answered with 503.
    #[arg(long, env = "MCP_MAX_CONCURRENT_REQUESTS", default_value = "1024", value_parser = count, value_name = "COUNT")]
    pub max_concurrent_requests: usize,

    /// Memory for the cache of verified tokens, in bytes; 0 verifies the token of every request.
    #[arg(long, env = "MCP_TOKEN_CACHE_BYTES", default_value_t = token_cache::DEFAULT_CAPACITY_BYTES, value_name = "BYTES")]
    pub token_cache_bytes: u64,

    /// How long requests in flight may still take after SIGTERM or Ctrl-C, in seconds.
    #[arg(long, env = "MCP_SHUTDOWN_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub shutdown_timeout: Duration,
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("give a number, 1 to 1000000".to_owned()),
    }
}

/// hyper's read buffer has at least 8 KiB.
fn header_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes @ 8_192..=1_048_576) => Ok(bytes),
        _ => Err("give bytes, 8192 to 1048576".to_owned()),
    }
}
