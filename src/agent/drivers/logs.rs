//! Where does a service's output go, how is it kept small, and what were its last lines?

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::agent::guard::client::ServiceKey;

/// A log larger than this is rotated.
const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// How many rotated logs are kept.
const KEEP: u32 = 3;
/// At most this much of a log's end is read for its last lines.
const LONGEST_TAIL: u64 = 1024 * 1024;

/// A directory per group, and one for instances: names may hold any character but `/` and `:` that a separator could be.
pub fn path(state_dir: &Path, key: &ServiceKey) -> PathBuf {
    let (folder, stem) = key.folder_and_stem();
    state_dir.join("logs").join(folder).join(format!("{stem}.log"))
}

/// The last `lines` lines.
pub fn tail(path: &Path, lines: usize) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_TAIL)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    Ok(all[all.len().saturating_sub(lines)..].concat())
}

/// Rotates every log that has grown too large. Services hold theirs open for appending, so it is copied and emptied.
pub fn rotate_all(state_dir: &Path) -> io::Result<()> {
    let groups = match fs::read_dir(state_dir.join("logs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        groups => groups?,
    };
    for group in groups {
        for log in fs::read_dir(group?.path())? {
            let log = log?;
            if log.path().extension().is_some_and(|e| e == "log") && log.metadata()?.len() > ROTATE_AT {
                rotate(&log.path())?;
            }
        }
    }
    Ok(())
}

fn rotate(log: &Path) -> io::Result<()> {
    let numbered = |n: u32| log.with_extension(format!("log.{n}"));
    for n in (1..KEEP).rev() {
        if numbered(n).exists() {
            fs::rename(numbered(n), numbered(n + 1))?;
        }
    }
    fs::copy(log, numbered(1))?;
    OpenOptions::new().write(true).open(log)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_rotated_and_its_writer_goes_on() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let key = ServiceKey::Resource { group: "g".parse().unwrap(), resource: "r.1".parse().unwrap() };
        let log = path(dir.path(), &key);
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(&vec![b'x'; usize::try_from(ROTATE_AT).unwrap() + 1]).unwrap();
        rotate_all(dir.path()).unwrap();
        writer.write_all(b"one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 2).unwrap(), "two\nthree\n");
        assert!(log.with_extension("log.1").metadata().unwrap().len() > ROTATE_AT);
    }
}
