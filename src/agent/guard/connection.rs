//! How does the guard talk without ever waiting? What can't be written yet is kept, within a bound.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use super::protocol::{LONGEST_LINE, Message};

/// An agent that leaves this much unread is not listening.
const MOST_UNSENT: usize = 8 << 20;

/// The one agent that is connected.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    broken: bool,
}

impl Connection {
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, unread: Vec::new(), unsent: Vec::new(), broken: false })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    pub const fn wants_to_write(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The agent has gone, or is not one.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    pub fn send(&mut self, message: &Message) {
        match serde_json::to_vec(message) {
            Ok(line) => {
                self.unsent.extend_from_slice(&line);
                self.unsent.push(b'\n');
                self.flush();
            }
            Err(_) => self.broken = true,
        }
    }

    pub fn flush(&mut self) {
        while !self.unsent.is_empty() && !self.broken {
            match self.stream.write(&self.unsent) {
                Ok(0) => self.broken = true,
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.broken = true,
            }
        }
        self.broken |= self.unsent.len() > MOST_UNSENT;
    }

    /// Whole lines that have come by now.
    pub fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut chunk = [0; 16 << 10];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.broken = true,
                Ok(count) => {
                    self.unread.extend_from_slice(&chunk[..count]);
                    if self.unread.len() < LONGEST_LINE {
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.broken = true,
            }
            break;
        }
        let mut lines = Vec::new();
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
            lines.push(self.unread.drain(..=end).collect());
        }
        self.broken |= self.unread.len() >= LONGEST_LINE;
        lines
    }
}
