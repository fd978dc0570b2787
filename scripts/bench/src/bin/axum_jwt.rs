//! axum that verifies the signature of every request's token.

use axum::middleware::from_fn_with_state;
use bench::{Check, check};

#[tokio::main]
async fn main() {
    let auth = from_fn_with_state(Check::from_arguments(), check);
    bench::serve(bench::echo::app().layer(auth)).await;
}
