//! Server-sent events, as the client reads them: how a stream is cut into pieces makes no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../../src/client/mcp/transport/sse.rs"]
mod sse;

use sse::EventStream;

fuzz_target!(|data: &[u8]| {
    let Some((&size, stream)) = data.split_first() else { return };
    let mut whole = EventStream::default();
    let at_once = whole.feed(stream);
    let mut pieces = EventStream::default();
    let piecewise: Vec<_> =
        stream.chunks(usize::from(size).max(1)).flat_map(|piece| pieces.feed(piece)).collect();
    assert_eq!(at_once, piecewise);
    assert_eq!((&whole.last_id, whole.retry), (&pieces.last_id, pieces.retry));
    // A byte that is no UTF-8 is buffered as the three of U+FFFD.
    assert!(whole.buffered_bytes() <= 3 * stream.len(), "what is buffered came from the stream");
});
