//! How does a person use Locum from a terminal? One file per command.

pub mod document;
