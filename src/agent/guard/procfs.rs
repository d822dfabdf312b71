//! Which processes are alive? What `/proc` says, with zombies counted as dead.

use std::fs;

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub state: char,
    pub group: u32,
    pub session: u32,
    /// Clock ticks from boot to its start.
    pub started: u64,
}

impl Stat {
    /// A zombie runs nothing, whoever fails to reap it.
    pub const fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// `None` once it is reaped.
pub fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(line: &str) -> Option<Stat> {
    // The second field is the name in parentheses, which may itself hold spaces and parentheses.
    let mut fields = line.get(line.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let started = fields.nth(15)?.parse().ok()?;
    Some(Stat { state, group, session, started })
}

/// Living processes of a session; with `group`, only those of that process group.
pub fn members(session: u32, group: Option<u32>) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| {
            stat(pid).is_some_and(|s| s.is_alive() && s.session == session && group.is_none_or(|g| g == s.group))
        })
        .collect()
}

/// Differs after every boot.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c) S 1 41 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        let stat = parse(line);
        assert_eq!(stat, Some(Stat { state: 'S', group: 41, session: 40, started: 4711 }));
        assert_eq!(parse("42 (a"), None);
    }

    #[test]
    fn this_process_is_alive() {
        let own = stat(std::process::id());
        assert!(own.is_some_and(|s| s.is_alive() && members(s.session, None).contains(&std::process::id())));
    }
}
