//! From the name of a method to its handler.
//!
//! Methods are registered on a [`Dispatcher`] as paths are on an axum `Router`: a name, a handler, and a small state
//! of its own if it needs one.
//!
//! ```
//! use mcp_auth::mcp::{dispatcher::Dispatcher, lifecycle};
//!
//! let methods = Dispatcher::new().method("ping", lifecycle::ping);
//! ```

mod handler;
mod metrics;

use std::{collections::BTreeMap, sync::Arc};

use crate::{jsonrpc::ErrorObject, principal::Principal};

use super::{
    call::{CallContext, MethodResult, response::Envelope},
    call_log::CallLog,
    policy::Policy,
};
use metrics::CallCounters;

pub use handler::{Handler, Stateful, WithState};

struct Method {
    handler: handler::BoxedHandler,
    counters: CallCounters,
}

/// The methods of a server, and who may call them.
#[derive(Default)]
pub struct Dispatcher {
    methods: BTreeMap<&'static str, Arc<Method>>,
    policy: Option<Arc<Policy>>,
    call_log: Option<CallLog>,
}

impl Dispatcher {
    /// No methods yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a method.
    ///
    /// # Panics
    /// If there is a method of this name.
    #[must_use]
    pub fn method<S>(mut self, name: &'static str, handler: impl Handler<S>) -> Self {
        let method = Method { handler: handler.boxed(), counters: CallCounters::new(name) };
        self.insert(name, Arc::new(method));
        self
    }

    /// Adds the methods of `other`, which has neither a policy nor a call log: those of the merged dispatcher count.
    ///
    /// # Panics
    /// If both have a method of the same name, or if `other` has a policy or a call log, which would be lost.
    #[must_use]
    pub fn merge(mut self, other: Dispatcher) -> Self {
        assert!(
            other.policy.is_none() && other.call_log.is_none(),
            "set the policy and the call log on the merged dispatcher"
        );
        for (name, method) in other.methods {
            self.insert(name, method);
        }
        self
    }

    fn insert(&mut self, name: &'static str, method: Arc<Method>) {
        assert!(self.methods.insert(name, method).is_none(), "two methods are called {name}");
    }

    /// Asks `policy` before any method runs. A method without a rule is refused to everyone.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Some(Arc::new(policy)), ..self }
    }

    /// Records every call in `log`, whatever its outcome.
    #[must_use]
    pub fn with_call_log(self, log: &CallLog) -> Self {
        Self { call_log: Some(log.clone()), ..self }
    }

    /// Whether there is such a method.
    pub fn has_method(&self, name: &str) -> bool {
        self.methods.contains_key(name)
    }

    /// Checks a method that is not among these and needs no rule for callers with a token, such as `ping`. Without one it needs
    /// a rule, if there is a policy.
    pub(super) fn authorize_anonymous(
        &self,
        name: &str,
        caller: Option<&Principal>,
    ) -> MethodResult<()> {
        match (&self.policy, caller) {
            (Some(policy), None) => policy.authorize(name, None),
            _ => Ok(()),
        }
    }

    pub(super) fn with_optional_call_log(self, log: Option<&CallLog>) -> Self {
        Self { call_log: log.cloned(), ..self }
    }

    pub(super) fn call_log(&self) -> Option<&CallLog> {
        self.call_log.as_ref()
    }

    /// Calls a method; its response is serialized into `envelope`.
    ///
    /// # Errors
    /// -32601 for an unknown one, -32001 for one that the caller may not use, or the error of the method itself.
    pub async fn dispatch(
        &self,
        name: &str,
        call: CallContext,
        envelope: Envelope,
    ) -> MethodResult<Vec<u8>> {
        let Some((name, method)) = self.methods.get_key_value(name) else {
            // Which methods there are is not told without a token either.
            self.authorize_anonymous(name, call.principal.as_ref())?;
            return Err(ErrorObject::method_not_found(name).into());
        };
        // Our own copy of the name: what a client sends as a method may be anything, even a token.
        tracing::debug!(method = name, "call");
        let caller = call.principal.as_ref();
        let mut record = self.call_log.as_ref().map(|log| log.start(name, caller));
        let policy = self.policy.as_deref();
        let result = match policy.map_or(Ok(()), |policy| policy.authorize(name, caller)) {
            Ok(()) => {
                if let Some(record) = &mut record {
                    record.set_target(&call.params);
                }
                (method.handler)(call, envelope).await
            }
            Err(error) => Err(error),
        };
        method.counters.count(&result);
        if let Some((log, record)) = self.call_log.as_ref().zip(record) {
            log.finish(record, &result);
        }
        result
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("methods", &self.methods.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::mcp::call::ResultBody;

    #[derive(Serialize)]
    struct Product {
        product: i64,
    }

    impl ResultBody for Product {}

    async fn multiply(factor: i64, call: CallContext) -> MethodResult<Product> {
        #[derive(serde::Deserialize)]
        struct Number {
            number: i64,
        }
        Ok(Product { product: call.params.read::<Number>()?.number * factor })
    }

    fn methods() -> Dispatcher {
        Dispatcher::new().method("double", multiply.with_state(&2))
    }

    #[tokio::test]
    async fn a_call_reaches_its_handler_and_the_handler_its_state() {
        let methods = methods();
        let dispatch = async |name: &str, params: &str| {
            let params = serde_json::from_str(params).expect("params");
            let call = CallContext { params, ..CallContext::default() };
            let envelope = Envelope::new(1.into(), 1000);
            let result = methods.dispatch(name, call, envelope).await;
            result.map(|json| String::from_utf8(json).expect("UTF-8")).map_err(|error| error.error)
        };
        let response = dispatch("double", r#"{"number":21}"#).await;
        assert_eq!(response.unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":{"product":42}}"#);
        let error = dispatch("double", "{}").await.unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (-32602, "Invalid params: missing field `number`")
        );
        let error = dispatch("triple", "{}").await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (-32601, "Method not found: triple"));
    }

    #[test]
    #[should_panic(expected = "two methods are called double")]
    fn a_method_is_registered_once() {
        let _ = methods().merge(methods());
    }

    #[test]
    #[should_panic(expected = "set the policy and the call log on the merged dispatcher")]
    fn no_policy_is_lost_in_a_merge() {
        let _ = Dispatcher::new().merge(methods().with_policy(Policy::new()));
    }
}
