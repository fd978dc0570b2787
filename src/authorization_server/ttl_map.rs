//! A bounded map whose entries expire.

use std::collections::HashMap;

/// At most `capacity` values, each with its own expiry (seconds since 1970).
#[derive(Debug)]
pub(super) struct TtlMap<V> {
    capacity: usize,
    entries: HashMap<String, (u64, V)>,
}

impl<V> TtlMap<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new() }
    }

    /// Keeps `value` until `expires_at`. A full map evicts the entry that would expire first.
    pub(super) fn insert(&mut self, key: String, value: V, expires_at: u64, now: u64) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            self.entries.retain(|_, (expires_at, _)| *expires_at > now);
            if self.entries.len() >= self.capacity {
                let first = self.entries.iter().min_by_key(|(_, (expires_at, _))| *expires_at);
                if let Some(key) = first.map(|(key, _)| key.clone()) {
                    self.entries.remove(&key);
                }
            }
        }
        self.entries.insert(key, (expires_at, value));
    }

    /// Whether a value more evicts nothing that is still valid.
    pub(super) fn has_space(&mut self, now: u64) -> bool {
        if self.entries.len() >= self.capacity {
            self.entries.retain(|_, (expires_at, _)| *expires_at > now);
        }
        self.entries.len() < self.capacity
    }

    pub(super) fn contains(&self, key: &str, now: u64) -> bool {
        self.entries.get(key).is_some_and(|(expires_at, _)| *expires_at > now)
    }

    pub(super) fn get(&mut self, key: &str, now: u64) -> Option<&mut V> {
        self.entries
            .get_mut(key)
            .filter(|(expires_at, _)| *expires_at > now)
            .map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &str, now: u64) -> Option<V> {
        self.entries.remove(key).filter(|(expires_at, _)| *expires_at > now).map(|(_, value)| value)
    }

    pub(super) fn remove_if(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.entries.retain(|key, _| !unwanted(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_expire_and_a_full_map_evicts_the_next_to_expire() {
        let mut map = TtlMap::new(2);
        map.insert("a".to_owned(), 1, 10, 0);
        map.insert("b".to_owned(), 2, 20, 0);
        assert_eq!(map.get("a", 9), Some(&mut 1));
        assert_eq!(map.get("a", 10), None, "the end is not included");
        assert!(!map.has_space(9) && map.has_space(10));
        map.insert("a".to_owned(), 1, 10, 0);
        map.insert("c".to_owned(), 3, 30, 5);
        assert_eq!(map.get("a", 5), None, "a would have expired first");
        map.insert("c".to_owned(), 4, 30, 5);
        assert_eq!(map.remove("b", 5), Some(2), "replacing a value evicts nothing");
        assert_eq!(map.remove("c", 30), None);
        assert!(map.entries.is_empty());
    }
}
