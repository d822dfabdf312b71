//! What of a source file can be part of a path? Comments, strings, characters and lifetimes can't.

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

/// The tokens of `source`, each with its line (from 1).
pub fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut text = Text { chars: source.chars().collect(), at: 0, line: 1 };
    let mut found = Vec::new();
    while let Some(char) = text.peek(0) {
        let line = text.line;
        if text.comment() || text.string() || text.quote() {
            continue;
        }
        if char.is_alphanumeric() || char == '_' {
            found.push((line, Token::Word(text.word())));
        } else if char == ':' && text.peek(1) == Some(':') {
            text.skip(2);
            found.push((line, Token::Path));
        } else {
            text.skip(1);
            if !char.is_whitespace() {
                found.push((line, Token::Mark(char)));
            }
        }
    }
    found
}

struct Text {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Text {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts(&self, with: &str) -> bool {
        with.chars().enumerate().all(|(ahead, char)| self.peek(ahead) == Some(char))
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == Some('\n') {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    /// Skips to behind `end`, or to the end of the text.
    fn skip_past(&mut self, end: &str) {
        while self.peek(0).is_some() && !self.starts(end) {
            self.skip(1);
        }
        self.skip(end.len());
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(|char| char.is_alphanumeric() || char == '_') {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn comment(&mut self) -> bool {
        if self.starts("//") {
            self.skip_past("\n");
            return true;
        }
        if !self.starts("/*") {
            return false;
        }
        let mut depth = 0;
        while self.peek(0).is_some() {
            if self.starts("/*") {
                depth += 1;
                self.skip(2);
            } else if self.starts("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.skip(1);
            }
        }
        true
    }

    /// Skips a string of any kind: plain, byte or C, raw or not.
    fn string(&mut self) -> bool {
        let letters = (0..2).take_while(|ahead| matches!(self.peek(*ahead), Some('b' | 'c' | 'r'))).count();
        let raw = letters > 0 && self.peek(letters - 1) == Some('r');
        let mut hashes = 0;
        while raw && self.peek(letters + hashes) == Some('#') {
            hashes += 1;
        }
        if self.peek(letters + hashes) != Some('"') {
            return false;
        }
        self.skip(letters + hashes + 1);
        if raw {
            self.skip_past(&format!("\"{}", "#".repeat(hashes)));
            return true;
        }
        while let Some(char) = self.peek(0) {
            self.skip(if char == '\\' { 2 } else { 1 });
            if char == '"' {
                break;
            }
        }
        true
    }

    /// Skips a character, or the tick of a lifetime with its name.
    fn quote(&mut self) -> bool {
        if self.peek(0) != Some('\'') {
            return false;
        }
        if self.peek(1) == Some('\\') {
            self.skip(3);
            self.skip_past("'");
        } else if self.peek(2) == Some('\'') {
            self.skip(3);
        } else {
            self.skip(1);
            self.word();
        }
        true
    }
}
