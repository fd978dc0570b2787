//! Text of other parties, as it may be shown to people and to models: on one line, short, and without what nobody sees.
//!
//! Specs: Unicode Standard Annex 9 (bidirectional text), section 2; Unicode Technical Report 36, section 2 (visual
//! spoofing); Unicode Standard, section 5.21 (default-ignorable code points). Whoever chooses a name could otherwise turn
//! the text around it, begin a line of their own, or hide instructions that only a model reads.
//!
//! ```
//! use mcp_auth::display_text::display_text;
//!
//! assert_eq!(display_text("My\u{200b}Bank\u{202e}", 100), "MyBank\u{fffd}");
//! ```

/// The first `max_chars` characters of a text that are visible, without white space at both ends. Characters that end a
/// line, control a terminal or change the direction of writing become U+FFFD. HTML is not escaped here.
#[must_use]
pub fn display_text(text: &str, max_chars: usize) -> String {
    let visible = text.chars().filter(|&c| !is_invisible(c)).take(max_chars);
    let shown: String =
        visible.map(|c| if is_misleading(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    shown.trim().to_owned()
}

/// Ends a line, controls a terminal, or changes the direction of writing.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{200e}'..='\u{200f}' // left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, embeddings, overrides
            | '\u{2066}'..='\u{2069}' // isolates
        )
}

/// Has no width and changes at most how its neighbours are joined: default-ignorable code points that are not misleading.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' // zero width space, non-joiner, joiner
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' // variation selectors
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' // tags, more variation selectors
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_short_line_that_shows_all_of_itself() {
        for (what, text, expected) in [
            ("letters of any script", "zoë Ωμέγα 漢字 עברית", "zoë Ωμέγα 漢字 עברית"),
            ("line breaks", "a\r\nb\u{2028}c\u{85}d", "a\u{fffd}\u{fffd}b\u{fffd}c\u{fffd}d"),
            ("a terminal", "\u{1b}[2Ja\u{9b}2J", "\u{fffd}[2Ja\u{fffd}2J"),
            (
                "directions",
                "a\u{202e}b\u{2066}c\u{200f}d\u{61c}",
                "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}",
            ),
            ("zero width", "B\u{200b}a\u{feff}n\u{ad}k\u{2060}", "Bank"),
            ("a hidden instruction", "Bank\u{e0069}\u{e0067}\u{e006e}", "Bank"),
            ("variation selectors", "⚙\u{fe0f}\u{e0100}", "⚙"),
            ("fillers", "\u{3164}\u{115f}x\u{ffa0}", "x"),
            ("nothing visible", "\u{200b} \u{e0001}", ""),
        ] {
            assert_eq!(display_text(text, 100), expected, "{what}");
        }
        assert_eq!(display_text(&"x".repeat(4000), 100).len(), 100);
        assert_eq!(display_text(&"\u{200b}x".repeat(4000), 100), "x".repeat(100));
    }
}
