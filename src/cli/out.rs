//! Where do results and remarks go? Results to standard output, remarks to standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// A result: one line, or several, on standard output. A reader that went away (`| head`) ends the program quietly.
pub fn result(text: impl Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A remark on standard error: progress, a question, what went wrong.
pub fn remark(text: impl Display) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A value as the API's JSON.
pub fn json(value: &serde_json::Value) {
    result(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Empties the screen, for a picture that is drawn again.
pub fn clear_screen() {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(b"\x1b[2J\x1b[H").and_then(|()| out.flush());
}

/// Whether a person looks at standard output.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks a yes-or-no question; `None` where nobody can answer.
pub fn ask(question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let mut err = std::io::stderr().lock();
    write!(err, "{question} [y/N] ").and_then(|()| err.flush()).ok()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
