//! Which paths does a source file name? Those of its `use` trees and those written inline, in full.

use super::tokens::{Token, tokens};

/// A path with at least two parts, or one brought in by `use`. One that leads into this crate begins with `crate`.
#[derive(Debug, PartialEq)]
pub struct Path {
    pub line: usize,
    pub parts: Vec<String>,
}

/// All paths in `source`, the text of the module `module` (its names below the crate's root).
pub fn paths(module: &[String], source: &str) -> Vec<Path> {
    let mut reader =
        Reader { tokens: tokens(source), next: 0, module: module.to_vec(), open: Vec::new(), found: vec![] };
    while reader.next < reader.tokens.len() {
        reader.step();
    }
    reader.found
}

/// The names below the crate's root of the module in `file`, a path below `src`.
pub fn module_of(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let mut names: Vec<String> = stem.split('/').map(String::from).collect();
    if names.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
        names.pop();
    }
    names
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// Where `self` and `super` start from: the file's module and the inline modules entered.
    module: Vec<String>,
    /// For every open brace, whether it entered an inline module.
    open: Vec<bool>,
    found: Vec<Path>,
}

impl Reader {
    fn step(&mut self) {
        match self.token(0) {
            Some(Token::Mark('{')) => {
                let name = self.inline_module();
                self.open.push(name.is_some());
                self.module.extend(name);
                self.next += 1;
            }
            Some(Token::Mark('}')) => {
                if self.open.pop() == Some(true) {
                    self.module.pop();
                }
                self.next += 1;
            }
            // `use<'a>` captures lifetimes and imports nothing.
            Some(Token::Word(word)) if word == "use" && self.token(1) != Some(&Token::Mark('<')) => {
                self.next += 1;
                self.tree(Vec::new());
            }
            Some(Token::Word(_)) => self.inline(),
            _ => self.next += 1,
        }
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|(_, token)| token)
    }

    fn word(&self) -> Option<String> {
        match self.token(0) {
            Some(Token::Word(word)) => Some(word.clone()),
            _ => None,
        }
    }

    /// The name in `mod name {`, when the next token is that brace.
    fn inline_module(&self) -> Option<String> {
        let before = self.tokens.get(self.next.checked_sub(2)?..self.next)?;
        match before {
            [(_, Token::Word(keyword)), (_, Token::Word(name))] if keyword == "mod" => Some(name.clone()),
            _ => None,
        }
    }

    fn inline(&mut self) {
        let line = self.tokens[self.next].0;
        let mut parts = Vec::new();
        while let Some(word) = self.word() {
            parts.push(word);
            self.next += 1;
            if self.token(0) != Some(&Token::Path) {
                break;
            }
            self.next += 1;
        }
        if parts.len() > 1 {
            self.note(line, parts);
        }
    }

    /// One branch of a `use` tree and all it splits into; `parts` is what was read of it before.
    fn tree(&mut self, mut parts: Vec<String>) {
        loop {
            let line = self.tokens.get(self.next).map_or(0, |(line, _)| *line);
            match self.token(0) {
                Some(Token::Path) => self.next += 1,
                Some(Token::Mark('{')) => return self.branches(&parts),
                Some(Token::Mark('*')) => {
                    self.next += 1;
                    parts.push("*".into());
                    return self.note(line, parts);
                }
                Some(Token::Word(word)) => {
                    parts.push(word.clone());
                    self.next += 1;
                    if self.token(0) == Some(&Token::Path) {
                        continue;
                    }
                    if self.word().as_deref() == Some("as") {
                        self.next += 2;
                    }
                    return self.note(line, parts);
                }
                _ => return,
            }
        }
    }

    fn branches(&mut self, parts: &[String]) {
        self.next += 1;
        while let Some(token) = self.token(0) {
            match token {
                Token::Mark('}') => {
                    self.next += 1;
                    return;
                }
                Token::Word(_) | Token::Path | Token::Mark('{' | '*') => self.tree(parts.to_vec()),
                Token::Mark(_) => self.next += 1,
            }
        }
    }

    /// Keeps the path, with `self` and `super` replaced by the module they mean.
    fn note(&mut self, line: usize, mut parts: Vec<String>) {
        if parts.len() > 1 && parts.last().is_some_and(|part| part == "self") {
            parts.pop();
        }
        if parts.first().is_some_and(|part| part == "self" || part == "super") {
            let mut base = self.module.clone();
            let steps = parts.iter().take_while(|part| *part == "self" || *part == "super").count();
            for step in parts.drain(..steps) {
                if step == "super" {
                    base.pop();
                }
            }
            parts = std::iter::once("crate".to_owned()).chain(base).chain(parts).collect();
        }
        self.found.push(Path { line, parts });
    }
}
