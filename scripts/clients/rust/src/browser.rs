//! Opens the login page with the program in `BROWSER`, and waits for the redirect on a free port.

use std::{env, error::Error, io};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::Command,
    select,
};

/// The user's browser, and where it is redirected to.
pub struct Browser {
    listener: TcpListener,
    pub redirect_uri: String,
    pub opened: u32,
}

impl Browser {
    pub async fn new() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let redirect_uri = format!("http://{}/callback", listener.local_addr()?);
        Ok(Self { listener, redirect_uri, opened: 0 })
    }

    /// Opens `url`, and returns the URL of the redirect, with the authorization response in its query.
    pub async fn visit(&mut self, url: &str) -> Result<String, Box<dyn Error>> {
        self.opened += 1;
        let mut process = Command::new(
            env::var("BROWSER").map_err(|_| "BROWSER names no program to open pages with")?,
        )
        .arg(url)
        .spawn()?;
        let (stream, _) = select! {
            back = self.listener.accept() => back?,
            // Some programs stay, others hand the page to a running browser and exit; only a failure ends the wait.
            status = process.wait() => if status?.success() { self.listener.accept().await? } else { return Err("the browser could not be used".into()) },
        };
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let mut rest = String::new();
        while stream.read_line(&mut rest).await? > 2 {}
        let text = "Back at the client; this window can be closed.";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        process.wait().await?;
        let target = line.split(' ').nth(1).ok_or("the browser came back with no address")?;
        let back: reqwest::Url = self.redirect_uri.parse::<reqwest::Url>()?.join(target)?;
        match back.query_pairs().find(|(name, _)| name == "error") {
            Some((_, error)) => Err(error.into()),
            None => Ok(back.into()),
        }
    }
}
