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
        ApiName::ControlPlane => Ok(api::openapi()),
        ApiName::NodeAgent => serde_json::to_value(agent::endpoint::openapi()),
    };
    out::json(&document.map_err(|e| Failure::Failed(format!("can't write the document: {e}")))?);
    Ok(())
}
