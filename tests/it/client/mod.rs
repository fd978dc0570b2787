//! Step 11 against counterparts of every kind, the hostile ones first.

mod check;
mod credentials;
mod grants;
mod hostile;
mod hostile_documents;
mod mock;
mod output;
mod person;
mod run;
mod session;
mod stored;
mod streams;
