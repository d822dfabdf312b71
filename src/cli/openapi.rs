//! `locum openapi`: what do both APIs look like, for programs?

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::out;
use crate::{agent, api};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  locum openapi control-plane > openapi/control-plane.v1.json")]
pub struct OpenapiArgs {
    /// Which of the two
    pub name: ApiName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ApiName {
    /// What operators, dashboards and programs call
    ControlPlane,
    /// What the control plane calls on each node
    NodeAgent,
}

pub fn run(args: &OpenapiArgs) -> Result<(), Failure> {
    let document = match args.name {
        ApiName::ControlPlane => api::openapi(),
        ApiName::NodeAgent => agent::endpoint::openapi(),
    };
    let text = document.to_pretty_json().map_err(|e| Failure::Failed(format!("can't write the document: {e}")))?;
    out::result(text);
    Ok(())
}
