//! HTTP by hand over a socket: requests in pieces, answers and streams read when the test wants to, and not before.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use super::WAIT;

/// A caller's side of a connection.
pub struct Wire {
    stream: BufReader<TcpStream>,
    /// Of a stream of events: what was read and not told yet.
    text: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub etag: String,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// An event of a stream.
#[derive(Debug)]
pub struct Told {
    pub id: String,
    pub event: String,
    pub data: String,
}

impl Wire {
    pub async fn to(address: SocketAddr) -> Self {
        Self::over(TcpSocket::new_v4().unwrap(), address).await
    }

    /// For a caller that will not read: little waits in its socket.
    pub async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket, address).await
    }

    async fn over(socket: TcpSocket, address: SocketAddr) -> Self {
        let stream = tokio::time::timeout(WAIT, socket.connect(address)).await.expect("no connection").unwrap();
        Self { stream: BufReader::with_capacity(1024, stream), text: String::new() }
    }

    /// Sends what it is given; whether the other side still takes it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// A GET; `headers` are whole lines.
    pub async fn ask(&mut self, path: &str, headers: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n")).await.unwrap();
    }

    pub async fn get(&mut self, path: &str, headers: &str) -> Heard {
        self.ask(path, headers).await;
        self.heard().await
    }

    /// The next answer.
    pub async fn heard(&mut self) -> Heard {
        let (status, headers) = self.head().await;
        let mut body = vec![0; header(&headers, "content-length").parse().unwrap_or(0)];
        tokio::time::timeout(WAIT, self.stream.read_exact(&mut body)).await.expect("no body").unwrap();
        let etag = header(&headers, "etag").to_owned();
        Heard { status, etag, body: String::from_utf8(body).unwrap() }
    }

    /// Begins to follow a path. What is told is read by `told`.
    pub async fn follow(&mut self, path: &str, headers: &str) {
        self.ask(path, &format!("accept: text/event-stream\r\n{headers}")).await;
        let (status, headers) = self.head().await;
        assert_eq!((status, header(&headers, "content-type")), (200, "text/event-stream"));
    }

    /// What is told next; none at the stream's proper end.
    pub async fn told(&mut self) -> Option<Told> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
                let told = Told { id: field("id: "), event: field("event: "), data: field("data: ") };
                self.text = rest.to_owned();
                if !told.data.is_empty() {
                    return Some(told);
                }
            }
            let size = usize::from_str_radix(&self.line().await, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            tokio::time::timeout(WAIT, self.stream.read_exact(&mut chunk)).await.expect("half a chunk").unwrap();
            if size == 0 {
                return None;
            }
            self.text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
    }

    /// Waits until the other side has ended the connection.
    pub async fn ended(&mut self) {
        let mut rest = Vec::new();
        // Whether by an end or by a break is its choice.
        let _ = tokio::time::timeout(WAIT, self.stream.read_to_end(&mut rest)).await.expect("the connection goes on");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    async fn head(&mut self) -> (u16, Vec<String>) {
        let status = self.line().await.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        loop {
            match self.line().await {
                line if line.is_empty() => return (status.expect("a status"), headers),
                line => headers.push(line),
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        tokio::time::timeout(WAIT, self.stream.read_line(&mut line)).await.expect("nothing comes").unwrap();
        assert!(line.ends_with('\n'), "the connection has ended");
        line.trim_end().to_owned()
    }
}

fn header<'a>(headers: &'a [String], name: &str) -> &'a str {
    let found = headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}
