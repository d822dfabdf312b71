//! How does a program hear what happens as it happens? Server-sent events, and going on after a connection that broke.

use reqwest::Response;
use reqwest::header::ACCEPT;

use super::{CallError, ControlPlane};

/// Something that a server told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where to go on after it.
    pub id: String,
    /// What kind of thing it is.
    pub event: String,
    pub data: String,
}

/// A stream that is being read.
pub struct Following {
    server: String,
    response: Response,
    bytes: Vec<u8>,
    /// Where to go on, as far as that was told.
    place: Option<String>,
}

impl ControlPlane {
    /// Follows a path; `after`: the id of what was heard last.
    pub async fn follow(&self, path: &str, after: Option<&str>) -> Result<Following, CallError> {
        let mut request = self.streaming(path).header(ACCEPT, "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let sent = self.send(request).await?;
        if !sent.status().is_success() {
            // What is not a problem can't be read as one, and says so.
            return Err(self.read::<serde_json::Value>(sent).await.err().unwrap_or_else(|| silent(self.server())));
        }
        Ok(Following { server: self.server().to_owned(), response: sent, bytes: Vec::new(), place: None })
    }
}

impl Following {
    /// The id of what was heard last or, before anything was, that of the moment from which on it is heard.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// What is told next. A stream has no end of its own: one that ends is a server that has gone.
    pub async fn next(&mut self) -> Result<Told, CallError> {
        loop {
            while let Some(end) = self.bytes.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
                let block = String::from_utf8_lossy(&block);
                self.place = field(&block, "id").or_else(|| self.place.take());
                if let Some(told) = told(&block) {
                    return Ok(told);
                }
            }
            let chunk = self.response.chunk().await.ok().flatten();
            self.bytes.extend_from_slice(&chunk.ok_or_else(|| silent(&self.server))?);
        }
    }
}

fn silent(server: &str) -> CallError {
    CallError::Unreachable { server: server.to_owned(), why: "the stream ended".to_owned() }
}

fn field(block: &str, name: &str) -> Option<String> {
    let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.strip_prefix(' ').unwrap_or(value).to_owned())
}

/// A block with data; comments and other fields are left out.
fn told(block: &str) -> Option<Told> {
    let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let event = field(block, "event").unwrap_or_else(|| "message".to_owned());
    (!data.is_empty()).then(|| Told { id: field(block, "id").unwrap_or_default(), event, data: data.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_as_the_standard_has_it() {
        let told_of = |id: &str, event: &str, data: &str| {
            Some(Told { id: id.to_owned(), event: event.to_owned(), data: data.to_owned() })
        };
        assert_eq!(told("id: 7\nevent: node_up\ndata: {}\n\n"), told_of("7", "node_up", "{}"));
        assert_eq!(told(":heartbeat\n\n"), None);
        assert_eq!(told("retry: 1000\n\n"), None);
        assert_eq!(told("data:a\ndata: b\n\n"), told_of("", "message", "a\nb"));
    }
}
