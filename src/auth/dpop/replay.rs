//! The proofs that were used: each works once (RFC 9449, 11.1).
//!
//! Memory is bounded, and so is the part of it that one key can take. When either is full, the oldest proofs are
//! forgotten, and no proof that is as old is accepted any more, of that key or of all: under such a load clients must be
//! faster or have a better clock, but nothing can be replayed.

use std::collections::{BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::{DpopError, MAX_AGE, proof::Proof};

/// One key may take this part of the capacity.
const SHARE: usize = 10;

type Hash = [u8; 16];

#[derive(Debug)]
pub(super) struct UsedProofs {
    capacity: usize,
    /// By time, key and id.
    proofs: BTreeSet<(u64, Hash, Hash)>,
    keys: HashMap<Hash, OfKey>,
    /// Proofs of this time or before are not accepted.
    forgotten_until: Option<u64>,
}

/// The used proofs of one key.
#[derive(Debug, Default)]
struct OfKey {
    /// By time and id.
    proofs: BTreeSet<(u64, Hash)>,
    forgotten_until: Option<u64>,
}

impl UsedProofs {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, proofs: BTreeSet::new(), keys: HashMap::new(), forgotten_until: None }
    }

    /// # Errors
    /// When the proof was used before, or is as old as proofs that were forgotten.
    pub(super) fn insert(&mut self, proof: &Proof, now: u64) -> Result<(), DpopError> {
        // What `iat` alone excludes need not be remembered.
        let expired = now.saturating_sub(MAX_AGE);
        while self.proofs.first().is_some_and(|(iat, ..)| *iat < expired) {
            self.forget_oldest();
        }
        let is_forgotten = |until: Option<u64>| until.is_some_and(|until| proof.iat <= until);
        if is_forgotten(self.forgotten_until) {
            return Err(DpopError::NotNow);
        }
        // The jti of each client is its own. The text of a proof is no identifier: a signature can be written differently.
        let (key, id) = (hash(&proof.thumbprint), hash(&proof.jti));
        let of_key = self.keys.entry(key).or_default();
        if is_forgotten(of_key.forgotten_until) {
            return Err(DpopError::NotNow);
        }
        if !of_key.proofs.insert((proof.iat, id)) {
            return Err(DpopError::Replayed);
        }
        self.proofs.insert((proof.iat, key, id));
        if of_key.proofs.len() > self.capacity.div_ceil(SHARE) {
            if let Some((iat, id)) = of_key.proofs.pop_first() {
                of_key.forgotten_until = Some(iat);
                self.proofs.remove(&(iat, key, id));
            }
        } else if self.proofs.len() > self.capacity {
            self.forgotten_until = self.forget_oldest();
        }
        Ok(())
    }

    /// The time of the proof that was forgotten.
    fn forget_oldest(&mut self) -> Option<u64> {
        let (iat, key, id) = self.proofs.pop_first()?;
        let of_key = self.keys.get_mut(&key)?;
        of_key.proofs.remove(&(iat, id));
        // What was forgotten of this key is older still, so its time says nothing more than that of all.
        if of_key.proofs.is_empty() {
            self.keys.remove(&key);
        }
        Some(iat)
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text)[..16].try_into().expect("16 bytes")
}
