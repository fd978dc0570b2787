//! `list_orders`: data of the caller from another API, which is called in their name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    auth::token_exchange::DownstreamApi,
    mcp::tools::{Tool, ToolError},
    principal::Principal,
};

use super::arguments::NoArguments;

/// As the orders API returns them, and as the tool does.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Orders {
    /// Whose orders they are, as the API knows the caller
    customer: String,
    orders: Vec<Order>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Order {
    /// The number of the order
    number: String,
    /// What was ordered
    item: String,
    /// Such as shipped
    status: String,
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Orders of {}: {}", self.customer, self.orders.len())?;
        for Order { number, item, status } in &self.orders {
            write!(f, "\n{number}: {item}, {status}")?;
        }
        Ok(())
    }
}

/// `list_orders`: the caller's orders, which `api` knows. The tool sends it an exchanged token, never the caller's own.
pub fn list_orders(api: DownstreamApi) -> Tool {
    let scopes = api.scopes().clone();
    let run = move |_: NoArguments, caller: Option<Principal>| {
        let api = api.clone();
        async move {
            let no_caller =
                || ToolError("nobody is authenticated; send an access token".to_owned());
            let caller = caller.ok_or_else(no_caller)?;
            api.get::<Orders>(&caller).await.map_err(|error| {
                tracing::warn!(%error, "cannot read orders");
                ToolError(format!("cannot read your orders: {}", error.public_message()))
            })
        }
    };
    Tool::new("list_orders", "Your orders", "List the caller's orders", run).require_scopes(&scopes)
}
