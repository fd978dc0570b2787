//! Step 11 against mock servers, honest and hostile.

mod check;
mod credentials;
mod discovery;
mod grants;
mod hostile;
mod hostile_documents;
mod issuer_binding;
mod login;
mod machines;
mod mock;
mod output;
mod proxy;
mod registrations;
mod resource;
mod run;
mod session;
mod stored;
mod streams;
mod tools;
