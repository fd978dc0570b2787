//! Log lines: as text for people or as JSON for machines, on standard error, each with the id of its request.

use std::{
    fmt::{self, Write},
    io::{self, IsTerminal},
};

use anyhow::Context as _;
use clap::ValueEnum;
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, JsonFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::{Context, brake::Brake};

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. A panic becomes a log line, too.
///
/// # Errors
/// When `filter` is none.
pub fn init(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter: Targets = filter
        .parse()
        .with_context(|| format!("`{filter}` is not a log filter; try --log debug"))?;
    let levels = filter.iter().map(|(_, level)| level).chain(filter.default_level());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(levels.max().unwrap_or(LevelFilter::OFF))
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            let coloured = io::stderr().is_terminal();
            let line = format::format().with_ansi(coloured);
            let line = WithRequest { line, json: false, coloured };
            subscriber.event_format(line).finish().with(filter).with(Brake::default()).init();
        }
        LogFormat::Json => {
            let line = format::json().flatten_event(true);
            let line = WithRequest { line, json: true, coloured: false };
            let subscriber = subscriber.fmt_fields(JsonFields::new()).event_format(line);
            subscriber.finish().with(filter).with(Brake::default()).init();
        }
    }
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, message = message, "panic");
    }));
    Ok(())
}

/// Lines of another format, with the id of the request in work at their end, and without anything in them that would
/// begin another line or play with a terminal: texts of strangers are in many of them.
///
/// A span would carry the id, too, but it is formatted when it is opened: every request would pay for lines that
/// almost none of them writes.
struct WithRequest<L> {
    line: L,
    json: bool,
    coloured: bool,
}

impl<L> WithRequest<L> {
    fn tame(&self, line: String) -> String {
        let wild = |c: char| {
            let escape = c == '\u{1b}' && self.coloured;
            // Control characters, and those that hide or turn what follows (Unicode Standard Annex 9).
            let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            !escape && (c.is_control() || turns)
        };
        if !line.contains(wild) {
            return line;
        }
        let mut tamed = String::with_capacity(line.len() + 16);
        for c in line.chars() {
            match c {
                c if !wild(c) => tamed.push(c),
                // As JSON and people know it; there are no others above U+FFFF.
                c => tamed.push_str(&format!("\\u{:04x}", u32::from(c))),
            }
        }
        tamed
    }
}

impl<S, N, L> FormatEvent<S, N> for WithRequest<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        let end = if self.json { "}\n" } else { "\n" };
        line.truncate(line.strip_suffix(end).map_or(line.len(), str::len));
        let mut line = self.tame(line);
        Context::with_current(|request| {
            let ids = [
                ("request_id", Some(request.id.to_string())),
                ("trace_id", request.trace_id().map(str::to_owned)),
            ];
            for (name, id) in ids {
                let Some(id) = id else { continue };
                // Nothing in an id needs to be escaped, see `RequestId`.
                let _ = if self.json {
                    write!(line, ",\"{name}\":\"{id}\"")
                } else {
                    write!(line, " {name}={id}")
                };
            }
        });
        if let Some(count) = Brake::left_out() {
            let member = if self.json { ",\"left_out\":" } else { " left_out=" };
            write!(line, "{member}{count}")?;
        }
        writer.write_str(&line)?;
        writer.write_str(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_stay_on_their_line() {
        let plain = WithRequest { line: (), json: false, coloured: false };
        let coloured = WithRequest { coloured: true, ..plain };
        for (text, expected) in [
            ("ordinary, with \u{e9} and \u{1f980}", "ordinary, with \u{e9} and \u{1f980}"),
            ("a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"),
            ("\u{9b}2J\u{202e}x\u{2028}", "\\u009b2J\\u202ex\\u2028"),
        ] {
            assert_eq!(plain.tame(text.to_owned()), expected);
        }
        assert_eq!(coloured.tame("\u{1b}[31m".to_owned()), "\u{1b}[31m");
        assert_eq!(plain.tame("\u{1b}[31m".to_owned()), "\\u001b[31m");
    }
}
