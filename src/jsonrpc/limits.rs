//! Limits on messages, which travel from the settings to the code that reads and writes them, in a request's extensions.

/// How deep a message may be nested unless a setting says otherwise.
pub const DEFAULT_MAX_DEPTH: usize = 64;

/// How large a response may be unless a setting says otherwise, in bytes.
pub const DEFAULT_MAX_RESULT_BYTES: usize = 4 * 1024 * 1024;

/// How deep a message may be nested, and how large its response may be: a request of 1 MB can ask for an answer many
/// times as large.
#[derive(Debug, Clone, Copy)]
pub struct MessageLimits {
    /// Levels of objects and arrays.
    pub max_depth: usize,
    /// Bytes of a response.
    pub max_result_bytes: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self { max_depth: DEFAULT_MAX_DEPTH, max_result_bytes: DEFAULT_MAX_RESULT_BYTES }
    }
}

/// Whether a JSON text is nested deeper than `max_depth`.
pub(super) fn is_too_deep(text: &str, max_depth: usize) -> bool {
    // Few brackets cannot nest deep, and counting them is much faster than following them.
    count_openers(text.as_bytes()) > max_depth && depth(text) > max_depth
}

/// Counted in bytes, which 255 cannot overflow: one instruction then handles many of them.
fn count_openers(body: &[u8]) -> usize {
    let opens = |byte: &u8| u8::from(matches!(byte, b'{' | b'['));
    body.chunks(255).map(|chunk| usize::from(chunk.iter().map(opens).sum::<u8>())).sum()
}

/// How deep brackets nest in a JSON text, strings left out.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(depth(r#"{"a":"[[[\"[["}"#), 1);
        assert_eq!(depth(r#"{"a":[{}]}"#), 3);
        assert_eq!(count_openers(r#"{"a":[{}]}"#.as_bytes()), 3);
        assert_eq!(count_openers(&[b'['; 1000]), 1000);
    }
}
