//! What goes wrong around a server: slow clients, too many of them, a signal to stop, a bug, a bad place for keys.

#[cfg(target_os = "linux")]
mod files;
mod limits;
mod observability;
mod panics;
mod slowness;
#[cfg(unix)]
mod stopping;
mod wire;
