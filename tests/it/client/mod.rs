//! Step 11 against counterparts of every kind, the hostile ones first.

mod check;
mod credentials;
mod hostile;
mod mock;
mod person;
mod run;
