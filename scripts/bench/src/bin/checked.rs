//! axum behind one check of a signature per request.

use axum::middleware::from_fn_with_state;
use bench::{Check, check};

#[tokio::main]
async fn main() {
    let wall = from_fn_with_state(Check::from_arguments(), check);
    bench::serve(bench::echo::app().layer(wall)).await;
}
