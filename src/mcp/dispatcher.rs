//! From a method's name to the code that answers it.
//!
//! Methods are registered on a [`Dispatcher`] as paths are on an axum `Router`: a name, a handler, and a small state
//! of its own if it needs one.
//!
//! ```
//! use mcp_auth::mcp::{dispatcher::Dispatcher, lifecycle};
//!
//! let methods = Dispatcher::new().method("ping", lifecycle::ping);
//! ```

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use metrics::{Counter, counter};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    jsonrpc::{ErrorObject, FORBIDDEN, Params},
    principal::{InsufficientScope, Principal},
};

use super::{journal::Journal, policy::Policy};

/// One call of a method, as its handler sees it.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// `params`; empty when the message has none.
    pub params: Params,
    /// Who is calling; `None` where no wall stands before the endpoint.
    pub principal: Option<Principal>,
    /// What the client can do, as it says with every request since 2026-07-28; `None` in the older revisions.
    pub capabilities: Option<Box<RawValue>>,
}

/// Why a method gave no result.
#[derive(Debug)]
pub struct MethodError {
    /// What the client is told.
    pub error: ErrorObject,
    /// Set when the caller lacks a scope: the answer is a 403, and the wall adds its challenge.
    pub insufficient_scope: Option<InsufficientScope>,
}

impl From<ErrorObject> for MethodError {
    fn from(error: ErrorObject) -> Self {
        Self { error, insufficient_scope: None }
    }
}

/// What a method gave, written once: from here on it is copied, never parsed again.
pub type Outcome = Result<Box<RawValue>, MethodError>;

type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Method = Box<dyn Fn(Call) -> Answer + Send + Sync>;

/// Something that can answer a call; `State` tells the two forms apart.
pub trait Handler<State>: Sized {
    /// The handler in the one form that the dispatcher keeps.
    fn boxed(self) -> Method;
}

impl<F, Fut, R> Handler<()> for F
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, MethodError>> + Send + 'static,
    R: Serialize,
{
    fn boxed(self) -> Method {
        Box::new(move |call| {
            let answer = self(call);
            Box::pin(async move { write(answer.await?) })
        })
    }
}

/// A handler together with its state; made by [`WithState::with_state`].
#[derive(Debug)]
pub struct Stateful<F, S>(F, S);

impl<F, S, Fut, R> Handler<S> for Stateful<F, S>
where
    F: Fn(S, Call) -> Fut + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, MethodError>> + Send + 'static,
    R: Serialize,
{
    fn boxed(self) -> Method {
        Box::new(move |call| {
            let answer = self.0(self.1.clone(), call);
            Box::pin(async move { write(answer.await?) })
        })
    }
}

/// Gives a handler its state, as axum's method of the same name does.
pub trait WithState<S, Marker>: Sized {
    /// The handler, with a state that is cloned for each call; keep it cheap to clone.
    fn with_state(self, state: &S) -> Stateful<Self, S>;
}

impl<F, S, Fut> WithState<S, Fut> for F
where
    F: Fn(S, Call) -> Fut,
    S: Clone,
{
    fn with_state(self, state: &S) -> Stateful<Self, S> {
        Stateful(self, state.clone())
    }
}

fn write(result: impl Serialize) -> Outcome {
    serde_json::value::to_raw_value(&result).map_err(|error| {
        tracing::error!(%error, "a result cannot be serialized");
        ErrorObject::internal().into()
    })
}

/// A method, and how often it was called with which outcome.
struct Registered {
    handler: Method,
    answered: Counter,
    forbidden: Counter,
    failed: Counter,
}

/// The methods of a server, and who may call them.
#[derive(Clone, Default)]
pub struct Dispatcher(Arc<Inner>);

#[derive(Clone, Default)]
struct Inner {
    methods: BTreeMap<&'static str, Arc<Registered>>,
    policy: Option<Policy>,
    journal: Option<Journal>,
}

impl Dispatcher {
    /// Answers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers one more method.
    #[must_use]
    pub fn method<S>(mut self, name: &'static str, handler: impl Handler<S>) -> Self {
        let count =
            |outcome| counter!("mcp_requests_total", "method" => name, "outcome" => outcome);
        let registered = Registered {
            handler: handler.boxed(),
            answered: count("ok"),
            forbidden: count("forbidden"),
            failed: count("error"),
        };
        Arc::make_mut(&mut self.0).methods.insert(name, Arc::new(registered));
        self
    }

    /// Asks `policy` before any method runs. What the policy does not mention is refused to everyone.
    #[must_use]
    pub fn guarded_by(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.0).policy = Some(policy);
        self
    }

    /// Writes every call down in `journal`, whatever becomes of it.
    #[must_use]
    pub fn recorded_in(mut self, journal: &Journal) -> Self {
        Arc::make_mut(&mut self.0).journal = Some(journal.clone());
        self
    }

    /// Whether there is such a method.
    pub fn answers(&self, method: &str) -> bool {
        self.0.methods.contains_key(method)
    }

    /// Calls a method.
    ///
    /// # Errors
    /// -32601 for an unknown one, -32001 for one that the caller may not use, or whatever the method itself says.
    pub async fn dispatch(&self, method: &str, call: Call) -> Outcome {
        let known = self.0.methods.get_key_value(method);
        let (name, method) = known.ok_or_else(|| ErrorObject::method_not_found(method))?;
        // Our own name for it: what a client sends as a method may be anything, even a token.
        tracing::debug!(method = name, "call");
        let Call { params, principal, .. } = &call;
        let mut entry =
            self.0.journal.as_ref().map(|journal| journal.open(name, principal.as_ref()));
        let policy = self.0.policy.as_ref();
        let outcome = match policy.map_or(Ok(()), |policy| policy.check(name, principal.as_ref())) {
            Ok(()) => {
                if let Some(entry) = &mut entry {
                    entry.aim(params);
                }
                (method.handler)(call).await
            }
            Err(refusal) => Err(refusal),
        };
        match &outcome {
            Ok(_) => &method.answered,
            Err(refusal) if refusal.error.code == FORBIDDEN => &method.forbidden,
            Err(_) => &method.failed,
        }
        .increment(1);
        if let Some((journal, entry)) = self.0.journal.as_ref().zip(entry) {
            journal.close(entry, &outcome);
        }
        outcome
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("methods", &self.0.methods.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn twice(factor: i64, call: Call) -> Result<i64, MethodError> {
        #[derive(serde::Deserialize)]
        struct Number {
            number: i64,
        }
        Ok(call.params.read::<Number>()?.number * factor)
    }

    #[tokio::test]
    async fn a_call_finds_its_handler_and_the_handler_its_state() {
        let methods = Dispatcher::new().method("twice", twice.with_state(&2));
        let call =
            |params| Call { params: serde_json::from_str(params).unwrap(), ..Call::default() };
        let result = methods.dispatch("twice", call(r#"{"number":21}"#)).await.unwrap();
        assert_eq!(result.get(), "42");
        let error = methods.dispatch("twice", call("{}")).await.unwrap_err().error;
        assert_eq!(
            (error.code, error.message.as_str()),
            (-32602, "Invalid params: missing field `number`")
        );
        let error = methods.dispatch("thrice", call("{}")).await.unwrap_err().error;
        assert_eq!((error.code, error.message.as_str()), (-32601, "Method not found: thrice"));
    }
}
