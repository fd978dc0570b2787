//! How long a connection is waited for: for the head of a request, for the next request, and for a client that
//! does not take its answer. The time of a request itself is the gate's business.
//!
//! hyper's own limit on heads sets a new timer for every request. Here a connection has one timer for all its life,
//! which looks now and then whether anything happened since it looked last. So nothing but that timer reads a clock,
//! and patience lasts up to half as long again as the shorter of the two limits.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// Between two requests, or while an answer is being sent.
const RESTING: u8 = 0;
/// Some bytes of a head have come, or the connection is new.
const HEAD: u8 = 1;
/// The gate has the request.
const WORKING: u8 = 2;

/// What happened last on a connection.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<State>);

#[derive(Debug)]
struct State {
    phase: AtomicU8,
    /// Whether the phase began or moved on since the last look.
    moved: AtomicBool,
}

impl Pace {
    /// A connection that has just been made: its first request is due.
    pub(super) fn new() -> Self {
        Self(Arc::new(State { phase: AtomicU8::new(HEAD), moved: AtomicBool::new(false) }))
    }

    fn enter(&self, phase: u8) {
        self.0.phase.store(phase, Ordering::Relaxed);
        self.0.moved.store(true, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.phase.load(Ordering::Relaxed) == phase
    }

    /// A head has been read whole; until `answered` the gate watches the time.
    pub(super) fn working(&self) {
        self.enter(WORKING);
    }

    /// There is an answer.
    pub(super) fn answered(&self) {
        self.enter(RESTING);
    }

    /// How long nothing may happen now, if there is a limit.
    fn patience(&self, head: Duration, rest: Duration) -> Option<Duration> {
        match self.0.phase.load(Ordering::Relaxed) {
            HEAD => Some(head),
            RESTING => Some(rest),
            _ => None,
        }
    }

    /// Drives a connection; `None` when patience ended before the connection did.
    pub(super) async fn watch<C: Future>(
        self,
        connection: C,
        head: Duration,
        rest: Duration,
    ) -> Option<C::Output> {
        let mut connection = pin!(connection);
        let look = head.min(rest) / 2;
        let mut alarm = pin!(tokio::time::sleep(look));
        let mut since = Instant::now();
        std::future::poll_fn(|cx| {
            if let Poll::Ready(end) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(end));
            }
            while alarm.as_mut().poll(cx).is_ready() {
                let now = Instant::now();
                if self.0.moved.swap(false, Ordering::Relaxed) {
                    since = now;
                }
                if self.patience(head, rest).is_some_and(|patience| now >= since + patience) {
                    return Poll::Ready(None);
                }
                alarm.as_mut().reset(now + look);
            }
            Poll::Pending
        })
        .await
    }
}

/// A stream that tells its [`Pace`] about every move.
#[derive(Debug)]
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Pace,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before && self.pace.is(RESTING) {
            self.pace.enter(HEAD);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.moved();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bytes));
        self.moved();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Paced<S> {
    fn moved(&self) {
        if self.pace.is(RESTING) {
            self.pace.enter(RESTING);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const HEAD_TIME: Duration = Duration::from_secs(10);
    const REST_TIME: Duration = Duration::from_secs(75);

    #[tokio::test]
    async fn each_event_gives_the_client_the_time_that_belongs_to_it() {
        let pace = Pace::new();
        let (mut client, stream) = duplex(64);
        let mut paced = Paced { stream, pace: pace.clone() };
        client.write_all(&[b'x'; 3]).await.unwrap();
        for (name, event, patience, moves_on) in [
            ("new", "", Some(HEAD_TIME), false),
            ("a byte of a head", "read", Some(HEAD_TIME), false),
            ("the whole head", "working", None, true),
            ("a byte of the body", "read", None, false),
            ("the answer", "answered", Some(REST_TIME), true),
            ("some of it is taken", "write", Some(REST_TIME), true),
            ("the next head", "read", Some(HEAD_TIME), true),
        ] {
            match event {
                "read" => drop(paced.read_u8().await.unwrap()),
                "write" => paced.write_u8(b'x').await.unwrap(),
                "working" => pace.working(),
                "answered" => pace.answered(),
                _ => {}
            }
            assert_eq!(pace.0.moved.swap(false, Ordering::Relaxed), moves_on, "{name}");
            assert_eq!(pace.patience(HEAD_TIME, REST_TIME), patience, "{name}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_keeps_us_waiting_ends_and_one_at_work_does_not() {
        let short = Duration::from_millis(5);
        let waiting = Pace::new().watch(std::future::pending::<()>(), short, short).await;
        assert!(waiting.is_none());
        let pace = Pace::new();
        pace.working();
        let work = async { tokio::time::sleep(short * 10).await };
        assert!(pace.clone().watch(work, short, short).await.is_some());
    }
}
