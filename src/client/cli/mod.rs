//! The run that the command line asks for: lists, calls, prompts and resources, and their output.

mod output;
pub mod run;
