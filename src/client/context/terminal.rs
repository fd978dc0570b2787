//! Lines that the user types, read on a detached thread: a blocked read must not keep the program from ending.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::OnceLock,
};

use tokio::sync::{Mutex, mpsc};

/// Standard input, line by line. Nothing is read before the first call of [`Terminal::line`].
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    lines: OnceLock<Mutex<mpsc::Receiver<String>>>,
}

impl Terminal {
    /// Whether a user can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The next line; `None` at the end of the input.
    pub(crate) async fn line(&self) -> Option<String> {
        let lines = self.lines.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(1);
            std::thread::spawn(move || {
                for line in io::stdin().lock().lines().map_while(Result::ok) {
                    if sender.blocking_send(line).is_err() {
                        break;
                    }
                }
            });
            Mutex::new(receiver)
        });
        lines.lock().await.recv().await
    }
}
