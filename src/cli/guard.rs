//! `locum guard`: how does an agent's guard begin? Agents start it; nobody else should.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use crate::agent::guard;

#[derive(Debug, Args)]
pub struct GuardArgs {
    /// The agent's folder
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
}

/// Becomes the guard of a state directory. It is tied to its parent's thread and forks: no runtime, and no other thread,
/// may be there before it.
pub fn run(args: &GuardArgs) -> Result<(), Failure> {
    guard::run(&args.state_dir).map_err(|e| Failure::Failed(e.to_string()))
}
