//! A parser of server-sent events that takes a stream in pieces.
//!
//! Specs: HTML Living Standard, "Server-sent events", 9.2.6 (interpreting an event stream); MCP 2025-11-25 transports,
//! "Resumability and Redelivery" (`id`, `retry`).
//!
//! `eventsource-stream` 0.2 and `sseer` 0.3 lose the id of an event without data, `sse-stream` 0.2 ends the stream at a
//! field without a colon: `an_event_without_data_still_has_an_id` and `events_are_the_same_in_pieces_of_any_size` decided.

use std::time::Duration;

/// Parses a stream piece by piece and keeps the position for a resumption.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    buffer: Vec<u8>,
    data: Option<String>,
    event_type: String,
    after_cr: bool,
    after_bom: bool,
    /// The id of the current event; it counts once the event is complete.
    id: Option<String>,
    /// The last complete event, after which to resume.
    pub(crate) last_id: Option<String>,
    /// How long to wait before that.
    pub(crate) retry: Option<Duration>,
}

impl EventStream {
    /// Takes the next piece and returns the data of the events that it completes. Comments, empty events and events of a
    /// type other than `message` are skipped.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in piece {
            let ends = match byte {
                b'\n' if self.after_cr => {
                    self.after_cr = false;
                    continue;
                }
                b'\n' | b'\r' => true,
                _ => false,
            };
            self.after_cr = byte == b'\r';
            if ends {
                let line = std::mem::take(&mut self.buffer);
                events.extend(self.line(&line));
            } else {
                self.buffer.push(byte);
            }
        }
        events
    }

    /// The same stream on a new connection: an incomplete event will come again.
    pub(crate) fn reopened(self) -> Self {
        Self {
            id: self.last_id.clone(),
            last_id: self.last_id,
            retry: self.retry,
            ..Self::default()
        }
    }

    /// The size of the incomplete event.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffer.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn line(&mut self, line: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(line);
        let text = match std::mem::replace(&mut self.after_bom, true) {
            false => text.strip_prefix('\u{feff}').unwrap_or(&text),
            true => &text,
        };
        if text.is_empty() {
            self.last_id.clone_from(&self.id);
            let event_type = std::mem::take(&mut self.event_type);
            let data = self.data.take().filter(|data| !data.is_empty());
            return data.filter(|_| matches!(event_type.as_str(), "" | "message"));
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.event_type),
            "id" if !value.contains('\0') => {
                self.id = Some(value.to_owned()).filter(|id| !id.is_empty());
            }
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\nid: 1\nretry: 500\ndata:\n\nevent: message\r\rdata: a\ndata:  ü\r\n\r\nid\n\ndata: cut";

    #[test]
    fn events_are_the_same_in_pieces_of_any_size() {
        for size in 1..STREAM.len() {
            let mut events = EventStream::default();
            let read: Vec<_> =
                STREAM.as_bytes().chunks(size).flat_map(|piece| events.feed(piece)).collect();
            assert_eq!(read, ["a\n ü"], "in pieces of {size}");
            assert_eq!(events.retry, Some(Duration::from_millis(500)));
            assert_eq!(events.last_id, None, "an empty id resets it");
        }
    }

    #[test]
    fn an_event_without_data_still_has_an_id() {
        let mut events = EventStream::default();
        assert!(events.feed(b"id: 7\ndata: \n\n").is_empty());
        assert_eq!(events.last_id.as_deref(), Some("7"));
        events.feed(b"retry: soon\nid: x\0y\n\n");
        assert_eq!((events.retry, events.last_id.as_deref()), (None, Some("7")));
    }

    #[test]
    fn only_messages_are_returned() {
        for (name, stream, expected) in [
            ("no type", "data: a\n\n", &["a"][..]),
            ("an empty type", "event:\ndata: a\n\n", &["a"]),
            ("a message", "event: message\ndata: a\n\n", &["a"]),
            ("another type", "event: ping\ndata: a\n\n", &[]),
            ("the last type counts", "event: ping\nevent: message\ndata: a\n\n", &["a"]),
            ("a type is for one event", "event: ping\n\ndata: a\n\n", &["a"]),
        ] {
            assert_eq!(EventStream::default().feed(stream.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn an_incomplete_event_is_not_returned() {
        for (name, pieces, expected) in [
            ("its id alone", &["id: 1\ndata: a\n\n", "id: 2\n"][..], Some("1")),
            ("all but the empty line", &["id: 1\n\n", "id: 2\ndata: b\n"], Some("1")),
            ("the first one", &["id: 1\ndata: a\n"], None),
            ("an event without an id", &["id: 1\n\n", "data: b\n\n"], Some("1")),
            ("whole", &["id: 1\n\n", "id: 2\ndata: b\n\n"], Some("2")),
        ] {
            let mut events = EventStream::default();
            pieces.iter().for_each(|piece| drop(events.feed(piece.as_bytes())));
            assert_eq!(events.last_id.as_deref(), expected, "{name}");
            // On the next connection, the id of the incomplete event does not count.
            let mut events = events.reopened();
            events.feed(b"data: c\n\n");
            assert_eq!(events.last_id.as_deref(), expected, "{name}");
        }
    }
}
