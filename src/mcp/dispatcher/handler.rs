//! Handlers of methods: async functions, with or without a state, as axum's are.

use std::pin::Pin;

use crate::mcp::call::{CallContext, MethodResult, ResultBody, response::Envelope};

/// The serialized response of a method.
pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = MethodResult<Vec<u8>>> + Send>>;

/// Any handler, with the type of its result erased: it serializes its own response.
pub(super) type BoxedHandler = Box<dyn Fn(CallContext, Envelope) -> ResponseFuture + Send + Sync>;

/// Something that can answer a call; `State` tells the two forms apart.
pub trait Handler<State>: Sized {
    /// The handler in the one form that the dispatcher keeps.
    fn boxed(self) -> BoxedHandler;
}

impl<F, Fut, R> Handler<()> for F
where
    F: Fn(CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = MethodResult<R>> + Send + 'static,
    R: ResultBody,
{
    fn boxed(self) -> BoxedHandler {
        Box::new(move |call, envelope| {
            let result = self(call);
            Box::pin(async move { envelope.serialize(&result.await?) })
        })
    }
}

/// A handler together with its state; made by [`WithState::with_state`].
#[derive(Debug)]
pub struct Stateful<F, S>(F, S);

impl<F, S, Fut, R> Handler<S> for Stateful<F, S>
where
    F: Fn(S, CallContext) -> Fut + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
    Fut: Future<Output = MethodResult<R>> + Send + 'static,
    R: ResultBody,
{
    fn boxed(self) -> BoxedHandler {
        Box::new(move |call, envelope| {
            let result = self.0(self.1.clone(), call);
            Box::pin(async move { envelope.serialize(&result.await?) })
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
    F: Fn(S, CallContext) -> Fut,
    S: Clone,
{
    fn with_state(self, state: &S) -> Stateful<Self, S> {
        Stateful(self, state.clone())
    }
}
