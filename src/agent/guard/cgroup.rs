//! Which processes belong to a service? Its cgroup (v2) holds its whole tree, and kills it whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::client::ServiceKey;

/// Services are bounded by process groups if this environment variable is `off`, even where cgroups are writable.
pub const SWITCH: &str = "LOCUM_CGROUP";

/// Makes the cgroup of this state directory's services below the caller's own: `locum/<hash>`. `None`: there is no
/// cgroup v2 that we may write to and that can kill (Linux 5.14).
pub fn make_base(state_dir: &Path) -> Option<PathBuf> {
    if std::env::var_os(SWITCH).is_some_and(|value| value == "off") {
        return None;
    }
    let base = own_cgroup()?.join("locum").join(short_hash(state_dir));
    fs::create_dir_all(&base).ok()?;
    let probe = base.join("probe");
    make(&probe).ok()?;
    let usable = open_procs(&probe).is_ok() && OpenOptions::new().write(true).open(probe.join("cgroup.kill")).is_ok();
    remove(&probe);
    usable.then_some(base)
}

fn own_cgroup() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| below_mount(line, path)).filter(|dir| dir.join("cgroup.procs").exists())
}

/// Where `path` (as in `/proc/self/cgroup`) is seen through this line of mountinfo, if that is a mount of cgroup2.
fn below_mount(line: &str, path: &str) -> Option<PathBuf> {
    let (left, right) = line.split_once(" - ")?;
    if right.split(' ').next()? != "cgroup2" {
        return None;
    }
    let mut fields = left.split(' ').skip(3);
    let (root, mount) = (fields.next()?, fields.next()?);
    let rest = Path::new(path).strip_prefix(root).ok()?;
    Some(Path::new(mount).join(rest))
}

fn short_hash(state_dir: &Path) -> String {
    let digest = Sha256::digest(state_dir.as_os_str().as_encoded_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The cgroup of one service. `:` is in no name, so that no two services share one.
pub fn of_service(base: &Path, key: &ServiceKey) -> PathBuf {
    let (folder, stem) = key.folder_and_stem();
    base.join(format!("{folder}:{stem}"))
}

/// Makes a cgroup and those above it, or takes the one that is there.
pub fn make(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Whoever writes `0` to this file is in the cgroup.
pub fn open_procs(dir: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(dir.join("cgroup.procs"))
}

/// Kills everything in the cgroup and below. A cgroup that is not there has nothing to kill.
pub fn kill(dir: &Path) -> io::Result<()> {
    match fs::write(dir.join("cgroup.kill"), "1") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether anything lives in the cgroup or below; zombies don't count. Unreadable counts as populated.
pub fn is_populated(dir: &Path) -> bool {
    match fs::read_to_string(dir.join("cgroup.events")) {
        Ok(events) => !events.lines().any(|line| line == "populated 0"),
        Err(error) => error.kind() != io::ErrorKind::NotFound && error.raw_os_error() != Some(nix::libc::ENODEV),
    }
}

/// Removes an empty cgroup with those that the service made below it. One that is not empty stays.
pub fn remove(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    // What is not empty can't be removed: no need to look first.
    let _ = fs::remove_dir(dir);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_any_mount_of_cgroup2() {
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(below_mount(hybrid, "/"), Some(PathBuf::from("/sys/fs/cgroup/unified/")));
        let inner = "41 31 0:38 /a /mnt rw shared:3 - cgroup2 cgroup2 rw";
        assert_eq!(below_mount(inner, "/a/b"), Some(PathBuf::from("/mnt/b")));
        assert_eq!(below_mount(inner, "/c"), None);
        assert_eq!(below_mount("30 23 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids", "/"), None);
    }
}
