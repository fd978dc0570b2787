//! Text of other parties made safe to show: secrets are shortened, control characters escaped, JSON is laid out.

use serde_json::Value;
use url::form_urlencoded;

use crate::client::context::credentials::secret::shorten;

/// Properties and parameters whose values are shortened.
const SECRETS: [&str; 12] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "registration_access_token",
    "code",
    "code_verifier",
    "assertion",
    "client_assertion",
    "subject_token",
    "password",
    "private_key",
];

/// The parameters of a form, one per line, secrets shortened.
pub(crate) fn form_lines(form: &[(&str, String)]) -> String {
    let lines = form.iter().map(|(name, value)| match SECRETS.contains(name) {
        true => format!("{name}={}", shorten(value)),
        false => format!("{name}={value}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Shortens the values of secret properties, at any depth.
pub(crate) fn redact(value: &mut Value) {
    match value {
        Value::Object(properties) => {
            for (name, value) in properties {
                if SECRETS.contains(&name.as_str()) { shorten_all(value) } else { redact(value) }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Shortens every string below a secret property. Numbers stay: the `code` of JSON-RPC is one.
fn shorten_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = shorten(text),
        Value::Array(values) => values.iter_mut().for_each(shorten_all),
        Value::Object(properties) => properties.values_mut().for_each(shorten_all),
        _ => {}
    }
}

/// The scheme, and the beginning of the credentials.
pub(crate) fn redact_credentials(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, credentials)) => format!("{scheme} {}", shorten(credentials)),
        None => shorten(value),
    }
}

/// The parameters of an error response. A redirect is shown before it is validated, and on an issuer mismatch they must
/// not be displayed (MCP authorization, "Authorization Response Validation").
const UNVALIDATED: [&str; 3] = ["error", "error_description", "error_uri"];

/// A URL with the secret values of its query and fragment shortened, and those of an error left out.
pub(crate) fn redact_url(url: &str) -> String {
    let mut shown = String::with_capacity(url.len());
    for part in url.split_inclusive(['?', '#', '&']) {
        let (param, end) = match part.strip_suffix(['?', '#', '&']) {
            Some(param) => (param, &part[param.len()..]),
            None => (part, ""),
        };
        let decoded = form_urlencoded::parse(param.as_bytes()).next();
        match (decoded, param.split_once('=')) {
            (Some((known, _)), Some((name, value))) if SECRETS.contains(&&*known) => {
                shown.push_str(&format!("{name}={}", shorten(value)));
            }
            (Some((known, _)), Some((name, _))) if UNVALIDATED.contains(&&*known) => {
                shown.push_str(&format!("{name}=…"));
            }
            _ => shown.push_str(param),
        }
        shown.push_str(end);
    }
    shown
}

/// Text on one line of a terminal: line ends become `\n`, other control and direction characters `\u{..}`.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => safe.push(c),
            '\n' => safe.push_str("\\n"),
            c if c.is_control() || is_misleading(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Characters that end a line or turn the direction of what follows (Unicode Standard Annex 9, 2).
fn is_misleading(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A JSON document on one line: no white space between its tokens, and no character in its strings that a terminal would
/// act upon. Everything else stays byte for byte (RFC 8259, 2 and 7).
pub(crate) fn one_line(document: &str) -> String {
    let mut line = String::with_capacity(document.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in document.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !quoted => continue,
            c if c.is_control() || is_misleading(c) => {
                line.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            c => line.push(c),
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    line
}

const WIDTH: usize = 90;

/// JSON on several lines; what fits on one line stays on one.
pub(crate) fn layout(value: &Value) -> String {
    let mut text = String::new();
    write_layout(value, 0, &mut text);
    text
}

fn write_layout(value: &Value, depth: usize, text: &mut String) {
    let short = inline(value);
    let fits = depth > 0 && depth * 2 + short.chars().count() <= WIDTH;
    let inner = "  ".repeat(depth + 1);
    let begin = |text: &mut String, index: usize| {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&inner);
    };
    match value {
        Value::Object(properties) if !fits && !properties.is_empty() => {
            text.push('{');
            for (index, (name, property)) in properties.iter().enumerate() {
                begin(text, index);
                text.push_str(&format!("{}: ", Value::from(name.as_str())));
                write_layout(property, depth + 1, text);
            }
            text.push_str(&format!("\n{}}}", "  ".repeat(depth)));
        }
        Value::Array(items) if !fits && !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                begin(text, index);
                write_layout(item, depth + 1, text);
            }
            text.push_str(&format!("\n{}]", "  ".repeat(depth)));
        }
        _ => text.push_str(&short),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(properties) => {
            let properties = properties
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), inline(value)));
            format!("{{{}}}", properties.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_shortened_at_any_depth() {
        let mut value = json!({"access_token": "a".repeat(99), "x": [{"client_secret": "0123456789"}], "scope": "s",
            "id_token": [{"a": "0123456789"}], "error": {"code": -32601}});
        redact(&mut value);
        assert_eq!(
            value,
            json!({"access_token": "aaaaaaaa…", "x": [{"client_secret": "01…"}], "scope": "s",
                "id_token": [{"a": "01…"}], "error": {"code": -32601}})
        );
        assert_eq!(redact_credentials("Bearer 0123456789012345"), "Bearer 0123…");
        assert_eq!(
            form_lines(&[("code", "0123456789".into()), ("a", "b".into())]),
            "code=01…\na=b"
        );
    }

    #[test]
    fn secret_parameters_of_a_url_are_shortened() {
        for (name, url, expected) in [
            (
                "a code",
                "http://h/cb?code=0123456789&state=s&iss=i",
                "http://h/cb?code=01…&state=s&iss=i",
            ),
            ("a fragment", "http://h/cb#access_token=0123456789", "http://h/cb#access_token=01…"),
            ("both", "http://h/cb?a=b#code=0123456789&c", "http://h/cb?a=b#code=01…&c"),
            (
                "an error",
                "/cb?error=e&error_description=d&error_uri=u&state=s",
                "/cb?error=…&error_description=…&error_uri=…&state=s",
            ),
            (
                "percent-encoded names",
                "/cb?error%5Fdescription=d&%63ode=0123456789",
                "/cb?error%5Fdescription=…&%63ode=01…",
            ),
            ("no parameters", "http://h/code=1/a", "http://h/code=1/a"),
        ] {
            assert_eq!(redact_url(url), expected, "{name}");
        }
    }

    #[test]
    fn json_that_fits_on_a_line_stays_on_it() {
        let long = "x".repeat(80);
        let text = layout(&json!({"a": ["b", 1], "o": {"long": long, "e": {}}, "n": []}));
        assert_eq!(
            text,
            format!(
                "{{\n  \"a\": [\"b\", 1],\n  \"o\": {{\n    \"long\": \"{long}\",\n    \"e\": {{}}\n  }},\n  \"n\": []\n}}"
            )
        );
        assert_eq!(layout(&json!({"a": 1})), "{\n  \"a\": 1\n}");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        for (name, text, expected) in [
            ("escape", "a\x1b[31mb", "a\\u{1b}[31mb"),
            ("8-bit escape", "\u{9b}2J", "\\u{9b}2J"),
            ("direction", "a\u{202e}\u{61c}", "a\\u{202e}\\u{61c}"),
            ("line ends", "a\nb\r\u{2028}", "a\\nb\\u{d}\\u{2028}"),
            ("letters of all kinds", "\u{e4}\t\u{65e5}", "\u{e4}\t\u{65e5}"),
        ] {
            assert_eq!(printable(text), expected, "{name}");
        }
    }

    #[test]
    fn a_document_on_one_line_is_the_same_document() {
        for (name, text, expected) in [
            ("blanks between tokens", "{\n \"a\" :\t[1.50,\r\n2]\n}", r#"{"a":[1.50,2]}"#),
            ("blanks in a string", r#"{"a b": " \\n "}"#, r#"{"a b":" \\n "}"#),
            ("a quote in a string", r#"["\" \\", "\\" ]"#, r#"["\" \\","\\"]"#),
            ("8-bit escape", "[\"\u{9b}2J\u{7f}\"]", r#"["\u009b2J\u007f"]"#),
            ("direction", "[\"\u{202e}\u{61c}\"]", r#"["\u202e\u061c"]"#),
            ("letters of all kinds", "[\"\u{e4}\u{1f600}\"]", "[\"\u{e4}\u{1f600}\"]"),
        ] {
            let line = one_line(text);
            assert_eq!(line, expected, "{name}");
            let read = |text| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(&line), read(text), "{name}");
        }
    }
}
