//! The run that the command line asks for.

mod output;
pub mod run;
