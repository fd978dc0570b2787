//! A map that cannot grow without end: every entry has its time, and there is room for so many.

use std::collections::HashMap;

/// At most `capacity` values by name, each until its own time (seconds since 1970).
#[derive(Debug)]
pub(super) struct Expiring<V> {
    capacity: usize,
    entries: HashMap<String, (u64, V)>,
}

impl<V> Expiring<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new() }
    }

    /// Keeps `value` until `ends`. When all places are taken, whatever would end first makes room.
    pub(super) fn insert(&mut self, name: String, value: V, ends: u64, now: u64) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&name) {
            self.entries.retain(|_, (ends, _)| *ends > now);
            if self.entries.len() >= self.capacity {
                let first = self.entries.iter().min_by_key(|(_, (ends, _))| *ends);
                if let Some(name) = first.map(|(name, _)| name.clone()) {
                    self.entries.remove(&name);
                }
            }
        }
        self.entries.insert(name, (ends, value));
    }

    /// Whether the value is there and its time is not over.
    pub(super) fn contains(&self, name: &str, now: u64) -> bool {
        self.entries.get(name).is_some_and(|(ends, _)| *ends > now)
    }

    /// The value, unless its time is over.
    pub(super) fn get(&mut self, name: &str, now: u64) -> Option<&mut V> {
        self.entries.get_mut(name).filter(|(ends, _)| *ends > now).map(|(_, value)| value)
    }

    /// Takes the value out, unless its time is over.
    pub(super) fn remove(&mut self, name: &str, now: u64) -> Option<V> {
        self.entries.remove(name).filter(|(ends, _)| *ends > now).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_at_their_time_and_the_next_to_end_makes_room() {
        let mut map = Expiring::new(2);
        map.insert("a".to_owned(), 1, 10, 0);
        map.insert("b".to_owned(), 2, 20, 0);
        assert_eq!(map.get("a", 9), Some(&mut 1));
        assert_eq!(map.get("a", 10), None, "the end is not included");
        map.insert("c".to_owned(), 3, 30, 5);
        assert_eq!(map.get("a", 5), None, "a would have ended first");
        map.insert("c".to_owned(), 4, 30, 5);
        assert_eq!(map.remove("b", 5), Some(2), "replacing a value needs no room");
        assert_eq!(map.remove("c", 30), None);
        assert!(map.entries.is_empty());
    }
}
