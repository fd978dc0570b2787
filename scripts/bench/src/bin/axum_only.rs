//! axum that parses the JSON and checks nothing.

#[tokio::main]
async fn main() {
    bench::serve(bench::echo::app()).await;
}
