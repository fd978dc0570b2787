//! What is shown of what others wrote: secrets shortened, terminals left alone, JSON laid out for reading.

use serde_json::Value;

use super::secret::shorten;

/// Members and parameters whose values are shortened.
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

/// The parameters of a form, one a line, secrets shortened.
pub(crate) fn form_lines(form: &[(&str, String)]) -> String {
    let lines = form.iter().map(|(name, value)| match SECRETS.contains(name) {
        true => format!("{name}={}", shorten(value)),
        false => format!("{name}={value}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Shortens the values of secret members, at any depth.
pub(crate) fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if SECRETS.contains(&name.as_str()) => {
                        *text = shorten(text)
                    }
                    _ => redact(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
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

/// A URL with the secret values of its query shortened.
pub(crate) fn redact_url(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let params = query.split('&').map(|param| match param.split_once('=') {
        Some((name, value)) if SECRETS.contains(&name) => format!("{name}={}", shorten(value)),
        _ => param.to_owned(),
    });
    format!("{base}?{}", params.collect::<Vec<_>>().join("&"))
}

/// Text of others, safe for a terminal: control and direction characters become `\u{..}`.
pub(crate) fn printable(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n' && c != '\t') || bidi(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

const WIDTH: usize = 90;

/// JSON over several lines; whatever fits on one line stays on one.
pub(crate) fn layout(value: &Value) -> String {
    let mut text = String::new();
    lay(value, 0, &mut text);
    text
}

fn lay(value: &Value, depth: usize, text: &mut String) {
    let short = inline(value);
    let fits = depth > 0 && depth * 2 + short.chars().count() <= WIDTH;
    let inner = "  ".repeat(depth + 1);
    let begin = |text: &mut String, index: usize| {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&inner);
    };
    match value {
        Value::Object(members) if !fits && !members.is_empty() => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                begin(text, index);
                text.push_str(&format!("{}: ", Value::from(name.as_str())));
                lay(member, depth + 1, text);
            }
            text.push_str(&format!("\n{}}}", "  ".repeat(depth)));
        }
        Value::Array(items) if !fits && !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                begin(text, index);
                lay(item, depth + 1, text);
            }
            text.push_str(&format!("\n{}]", "  ".repeat(depth)));
        }
        _ => text.push_str(&short),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), inline(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
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
    fn secrets_are_shortened_wherever_they_stand() {
        let mut value = json!({"access_token": "a".repeat(99), "x": [{"client_secret": "0123456789"}], "scope": "s"});
        redact(&mut value);
        assert_eq!(
            value,
            json!({"access_token": "aaaaaaaa…", "x": [{"client_secret": "01…"}], "scope": "s"})
        );
        assert_eq!(
            redact_url("http://h/cb?code=0123456789&state=s&iss=i"),
            "http://h/cb?code=01…&state=s&iss=i"
        );
        assert_eq!(redact_credentials("Bearer 0123456789012345"), "Bearer 0123…");
        assert_eq!(
            form_lines(&[("code", "0123456789".into()), ("a", "b".into())]),
            "code=01…\na=b"
        );
    }

    #[test]
    fn what_fits_on_a_line_stays_on_it() {
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
    fn a_server_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
    }
}
