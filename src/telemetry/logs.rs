//! Log lines as text or JSON on standard error, each with the id of its request.

use std::{
    fmt::{self, Write},
    io,
};

use anyhow::Context as _;
use clap::ValueEnum;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, JsonFields, Writer},
        layer as fmt_layer,
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::{log_rate_limit::LogRateLimit, request_context::RequestContext};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging. Panics are logged, too.
///
/// # Errors
/// When `filter` is invalid.
pub fn init(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter: Targets = filter
        .parse()
        .with_context(|| format!("`{filter}` is not a log filter; try --log debug"))?;
    let layer = fmt_layer().with_writer(io::stderr).with_ansi(false);
    let layer = match format {
        LogFormat::Text => {
            let format = WithRequestId { inner: format::format().with_ansi(false), json: false };
            layer.event_format(format).boxed()
        }
        LogFormat::Json => {
            let format = WithRequestId { inner: format::json().flatten_event(true), json: true };
            layer.fmt_fields(JsonFields::new()).event_format(format).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(LogRateLimit::default()).with(layer).init();
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, message = message, "panic");
    }));
    Ok(())
}

/// Appends the ids of the current request to each line, and escapes what could start another line or control a
/// terminal: many lines quote untrusted text.
///
/// A `tracing` span would carry the ids, too, but its fields are formatted when it opens: every request would pay for
/// lines that few of them write.
struct WithRequestId<F> {
    inner: F,
    json: bool,
}

/// Escapes control characters, and those that hide text or change its direction (Unicode Standard Annex 9).
fn escape(line: &str) -> String {
    line.chars().fold(String::with_capacity(line.len() + 64), |mut escaped, c| {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || hidden {
            // As in JSON; none of these is above U+FFFF.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
        escaped
    })
}

impl<S, N, F> FormatEvent<S, N> for WithRequestId<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let end = if self.json { "}\n" } else { "\n" };
        let mut line = escape(line.strip_suffix(end).unwrap_or(&line));
        let mut append = |name: &str, value: &dyn fmt::Display, quote: &str| {
            // Request and trace ids contain nothing that JSON would escape.
            if self.json {
                write!(line, ",\"{name}\":{quote}{value}{quote}")
            } else {
                write!(line, " {name}={value}")
            }
        };
        RequestContext::with_current(|request| {
            let _ = append("request_id", &request.id, "\"");
            if let Some(trace_id) = request.trace_id() {
                let _ = append("trace_id", &trace_id, "\"");
            }
        });
        if let Some(count) = LogRateLimit::take_suppressed() {
            append("suppressed", &count, "")?;
        }
        writer.write_str(&line)?;
        writer.write_str(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_stays_on_its_line() {
        for (text, expected) in [
            ("ordinary, with \u{e9} and \u{1f980}", "ordinary, with \u{e9} and \u{1f980}"),
            ("a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"),
            ("\u{9b}2J\u{202e}x\u{2028}", "\\u009b2J\\u202ex\\u2028"),
            ("\u{1b}[31m", "\\u001b[31m"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
