//! What the server keeps in memory, all of it bounded: clients, grants with their codes and refresh tokens, revoked
//! grants, browser sessions and accounts.

pub(super) mod accounts;
pub(super) mod clients;
pub(super) mod grants;
pub(super) mod revocation;
pub(super) mod sessions;
