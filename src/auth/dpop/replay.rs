//! The proofs that were used: each works once (RFC 9449, 11.1).
//!
//! Memory is bounded. When it is full, the oldest proofs are forgotten, and no proof that is as old is accepted any more:
//! under such a load clients must be faster or have a better clock, but nothing can be replayed.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{DpopError, MAX_AGE, proof::Proof};

#[derive(Debug)]
pub(super) struct UsedProofs {
    capacity: usize,
    /// By time and hash.
    proofs: BTreeSet<(u64, [u8; 16])>,
    /// Proofs of this time or before are not accepted.
    forgotten_until: Option<u64>,
}

impl UsedProofs {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, proofs: BTreeSet::new(), forgotten_until: None }
    }

    /// # Errors
    /// When the proof was used before, or is as old as proofs that were forgotten.
    pub(super) fn insert(&mut self, proof: &Proof, now: u64) -> Result<(), DpopError> {
        // What `iat` alone excludes need not be remembered.
        let expired = now.saturating_sub(MAX_AGE);
        while self.proofs.first().is_some_and(|(iat, _)| *iat < expired) {
            self.proofs.pop_first();
        }
        if self.forgotten_until.is_some_and(|until| proof.iat <= until) {
            return Err(DpopError::NotNow);
        }
        // The jti of each client is its own. The text of a proof is no identifier: a signature can be written differently.
        let hash = Sha256::digest(format!("{} {}", proof.thumbprint, proof.jti));
        let hash: [u8; 16] = hash[..16].try_into().expect("16 bytes");
        if !self.proofs.insert((proof.iat, hash)) {
            return Err(DpopError::Replayed);
        }
        if self.proofs.len() > self.capacity {
            self.forgotten_until = self.proofs.pop_first().map(|(iat, _)| iat);
        }
        Ok(())
    }
}
