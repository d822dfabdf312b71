//! With which exit code does a command end, and with which sentence?

use std::process::ExitCode;

use crate::client::control_plane::CallError;

/// Shown by `--help` and in the README.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed, or refused by the server; the sentence says why
  2  wrong usage of the command line
  3  it would stop or move something that runs: say --yes (nothing was changed)
  4  the server can't be reached
  5  the operation failed, was cancelled, or something newer replaced it
  6  the operation goes on, but did not end within --wait";

/// Why a command did not do what it was for. Each kind has its exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    NeedsYes(String),
    #[error("{0}; is it running (`locum server`), and is the address right (--server or LOCUM_SERVER)?")]
    Unreachable(String),
    #[error("{0}")]
    OperationFailed(String),
    #[error("{0}")]
    OperationGoesOn(String),
}

impl Failure {
    /// The number that the program ends with.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::NeedsYes(_) => 3,
            Self::Unreachable(_) => 4,
            Self::OperationFailed(_) => 5,
            Self::OperationGoesOn(_) => 6,
        }
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable { .. } => Self::Unreachable(error.to_string()),
            CallError::Refused(problem) => {
                let findings = problem.errors.iter().map(|f| format!("\n  {}: {}", f.pointer, f.detail));
                Self::Failed(format!("{}{}", problem.detail, findings.collect::<String>()))
            }
            CallError::BadAddress { .. } | CallError::Garbled { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
