//! Which command was given? Parse and dispatch.

use std::process::ExitCode;

use clap::Parser;
use locum::cli::{self, Cli, out};

fn main() -> ExitCode {
    let Cli { remote, command } = Cli::parse();
    match cli::run(&remote, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::remark(format!("locum: {failure}"));
            failure.exit_code()
        }
    }
}
