//! `locum receive`: what happens to a receive handler that runs twice? The demo's service, small but real.
//!
//! It fetches files from an inbox without locking, as FTP does, and leaves them there. What was received before it reads
//! once, at its start; from then on it trusts its memory. So two copies that run at the same time receive files twice,
//! and the record shows it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use nix::sys::signal::{SigSet, Signal};

use crate::cli::exit::Failure;
use crate::clock::boot_ticks;
use crate::domain::HumanDuration;

/// A note that it is alive is written this often at most: often enough to bound when it died, seldom enough for a disk.
const ALIVE_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub struct ReceiveArgs {
    /// Where files arrive
    #[arg(long, value_name = "DIR")]
    pub inbox: PathBuf,
    /// Where received files go
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
    /// One line per received file: name, epoch, node, pid
    #[arg(long, value_name = "FILE")]
    pub record: PathBuf,
    /// One line per start, stop and sign of life: boot-relative microseconds, word, node, epoch, pid
    #[arg(long, value_name = "FILE")]
    pub notes: PathBuf,
    /// How often the inbox is listed
    #[arg(long, default_value = "50ms", value_name = "DURATION")]
    pub interval: HumanDuration,
}

/// Who runs, as Locum tells every service.
struct Identity {
    node: String,
    epoch: String,
    pid: u32,
}

impl Identity {
    fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            node: variable("LOCUM_NODE").unwrap_or_else(|| "nowhere".to_owned()),
            epoch: variable("LOCUM_EPOCH").unwrap_or_else(|| "0".to_owned()),
            pid: std::process::id(),
        }
    }
}

struct Receiver<'a> {
    args: &'a ReceiveArgs,
    identity: Identity,
    received: BTreeSet<String>,
    record: File,
    notes: File,
}

/// Receives until SIGTERM or SIGINT. The file in hand is finished first.
pub fn run(args: &ReceiveArgs) -> Result<(), Failure> {
    let stop = stop_flag()?;
    let mut receiver = Receiver::open(args).map_err(|e| Failure::Failed(format!("can't begin to receive: {e}")))?;
    let outcome = receiver.receive_until(&stop);
    receiver.note("stop").and(outcome).map_err(|e| Failure::Failed(format!("can't go on receiving: {e}")))
}

impl<'a> Receiver<'a> {
    fn open(args: &'a ReceiveArgs) -> std::io::Result<Self> {
        fs::create_dir_all(&args.store)?;
        let record = append_to(&args.record)?;
        let notes = append_to(&args.notes)?;
        let mut receiver =
            Self { args, identity: Identity::from_environment(), received: BTreeSet::new(), record, notes };
        // Ordering: the note comes first, so that no moment in which it trusts its memory goes unnoted.
        receiver.note("start")?;
        let before = fs::read_to_string(&args.record)?;
        receiver.received = before.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        Ok(receiver)
    }

    fn receive_until(&mut self, stop: &AtomicBool) -> std::io::Result<()> {
        let mut noted_at = boot_ticks();
        while !stop.load(Ordering::Relaxed) {
            for name in self.new_files()? {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                self.fetch(&name)?;
            }
            if boot_ticks().since(noted_at) >= ALIVE_EVERY {
                self.note("alive")?;
                noted_at = boot_ticks();
            }
            std::thread::park_timeout(self.args.interval.get());
        }
        Ok(())
    }

    /// In the order of their names. Names that begin with a dot are still being written.
    fn new_files(&self) -> std::io::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.args.inbox)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && !self.received.contains(&name) && entry.file_type()?.is_file() {
                names.insert(name);
            }
        }
        Ok(names)
    }

    fn fetch(&mut self, name: &str) -> std::io::Result<()> {
        let Identity { node, epoch, pid } = &self.identity;
        let partial = self.args.store.join(format!(".{name}.{pid}"));
        fs::copy(self.args.inbox.join(name), &partial)?;
        fs::rename(&partial, self.args.store.join(name))?;
        // One write: a kill leaves the whole line or nothing of it.
        self.record.write_all(format!("{name} {epoch} {node} {pid}\n").as_bytes())?;
        self.received.insert(name.to_owned());
        Ok(())
    }

    fn note(&mut self, word: &str) -> std::io::Result<()> {
        let Identity { node, epoch, pid } = &self.identity;
        let at = boot_ticks();
        self.notes.write_all(format!("{at} {word} {node} {epoch} {pid}\n", at = at.0).as_bytes())
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Raised by SIGTERM or SIGINT. The signals are blocked and waited for in a thread, which needs no unsafe handler; the
/// thread that receives is woken, so that it stops at once.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block().map_err(|e| Failure::Failed(format!("can't wait for signals: {e}")))?;
    let raised = Arc::new(AtomicBool::new(false));
    let (flag, receiver) = (raised.clone(), std::thread::current());
    std::thread::spawn(move || {
        if signals.wait().is_ok() {
            flag.store(true, Ordering::Relaxed);
            receiver.unpark();
        }
    });
    Ok(raised)
}
