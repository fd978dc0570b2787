//! How long a connection is waited for: for the head of a request, for its answer, for a client that does not take
//! that answer, and for the next request.
//!
//! hyper's own limit on heads sets a new timer for every request, and so would a limit on its answer; all threads
//! share the clockwork that rings them. Here a connection has one timer for all its life, which looks now and then
//! whether anything happened since it looked last. So nothing but that timer reads a clock, and no limit strikes
//! early. It may be late by as much as the shortest of the three limits; with the defaults by half of that.
//!
//! A connection that breaks a limit is closed, but a request that takes too long has an answer coming: it is marked,
//! and the gate reads the mark. That needs no wake-up of its own, because hyper polls a request whenever its
//! connection is polled, also while the request's body is still on its way.

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
/// The gate has it for too long. Being a phase, the mark ends with the request.
const OVERDUE: u8 = 3;

/// The limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For the head of a request.
    pub(super) head: Duration,
    /// From there to its answer, the body included.
    pub(super) request: Duration,
    /// Until some of the answer is taken, and until the next request begins.
    pub(super) rest: Duration,
}

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

    /// A head has been read whole.
    pub(super) fn working(&self) {
        self.enter(WORKING);
    }

    /// There is an answer.
    pub(super) fn answered(&self) {
        self.enter(RESTING);
    }

    /// Done when the request in work has taken too long. Only for what [`Pace::watch`] polls: nobody is woken.
    pub(super) async fn overdue(&self) {
        let mark = |_: &mut Context<'_>| match self.is(OVERDUE) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        std::future::poll_fn(mark).await;
    }

    /// How long nothing may happen now, if there is a limit.
    fn patience(&self, times: Times) -> Option<Duration> {
        match self.0.phase.load(Ordering::Relaxed) {
            HEAD => Some(times.head),
            WORKING => Some(times.request),
            RESTING => Some(times.rest),
            _ => None,
        }
    }

    /// Drives a connection; `None` when patience ended before the connection did.
    pub(super) async fn watch<C: Future>(self, connection: C, times: Times) -> Option<C::Output> {
        let mut connection = pin!(connection);
        let look = times.head.min(times.request).min(times.rest) / 2;
        let mut alarm = pin!(tokio::time::sleep(look));
        let mut since = Instant::now();
        std::future::poll_fn(|cx| {
            loop {
                // First, so that what came or was done in time counts, however late we look.
                if let Poll::Ready(end) = connection.as_mut().poll(cx) {
                    return Poll::Ready(Some(end));
                }
                ready!(alarm.as_mut().poll(cx));
                let now = Instant::now();
                if self.0.moved.swap(false, Ordering::Relaxed) {
                    since = now;
                }
                if self.patience(times).is_some_and(|patience| now >= since + patience) {
                    if !self.is(WORKING) {
                        return Poll::Ready(None);
                    }
                    self.enter(OVERDUE);
                }
                alarm.as_mut().reset(now + look);
            }
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

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        request: Duration::from_secs(30),
        rest: Duration::from_secs(75),
    };
    const SHORT: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn each_event_gives_the_client_the_time_that_belongs_to_it() {
        let pace = Pace::new();
        let (mut client, stream) = duplex(64);
        let mut paced = Paced { stream, pace: pace.clone() };
        client.write_all(&[b'x'; 4]).await.unwrap();
        for (name, event, patience, moves_on) in [
            ("new", "", Some(TIMES.head), false),
            ("a byte of a head", "read", Some(TIMES.head), false),
            ("the whole head", "working", Some(TIMES.request), true),
            ("a byte of the body", "read", Some(TIMES.request), false),
            ("an interim answer", "write", Some(TIMES.request), false),
            ("too much time", "overdue", None, true),
            ("a late byte of the body", "read", None, false),
            ("the answer", "answered", Some(TIMES.rest), true),
            ("some of it is taken", "write", Some(TIMES.rest), true),
            ("the next head", "read", Some(TIMES.head), true),
        ] {
            match event {
                "read" => drop(paced.read_u8().await.unwrap()),
                "write" => paced.write_u8(b'x').await.unwrap(),
                "working" => pace.working(),
                "overdue" => pace.enter(OVERDUE),
                "answered" => pace.answered(),
                _ => {}
            }
            assert_eq!(pace.0.moved.swap(false, Ordering::Relaxed), moves_on, "{name}");
            assert_eq!(pace.patience(TIMES), patience, "{name}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_keeps_us_waiting_ends() {
        let times = Times { head: SHORT, ..TIMES };
        assert!(Pace::new().watch(std::future::pending::<()>(), times).await.is_none());
        let (pace, times) = (Pace::new(), Times { rest: SHORT, ..TIMES });
        pace.answered();
        assert!(pace.watch(std::future::pending::<()>(), times).await.is_none());
    }

    #[tokio::test]
    async fn each_request_is_told_of_its_own_time_and_no_wake_up_is_needed_for_that() {
        let (pace, times) = (Pace::new(), Times { request: SHORT * 4, ..TIMES });
        let requests = async {
            for _ in 0..3 {
                pace.working();
                let start = Instant::now();
                pace.overdue().await;
                assert!(start.elapsed() >= times.request);
                pace.answered();
            }
        };
        assert!(pace.clone().watch(requests, times).await.is_some());
    }

    #[tokio::test]
    async fn neither_a_head_nor_an_answer_on_its_way_nor_a_rest_is_an_overdue_request() {
        let (pace, times) = (Pace::new(), Times { request: SHORT, ..TIMES });
        let connection = async {
            tokio::time::sleep(SHORT * 10).await;
            assert!(pace.is(HEAD));
            pace.working();
            pace.answered();
            tokio::time::sleep(SHORT * 10).await;
            assert!(pace.is(RESTING));
        };
        assert!(pace.clone().watch(connection, times).await.is_some());
    }

    #[tokio::test]
    async fn a_request_at_work_is_not_cut_off_by_the_limits_of_the_client() {
        let (pace, times) = (Pace::new(), Times { head: SHORT, rest: SHORT, ..TIMES });
        pace.working();
        assert!(pace.clone().watch(tokio::time::sleep(SHORT * 10), times).await.is_some());
        assert!(pace.is(WORKING));
    }
}
