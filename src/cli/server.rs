//! `locum server`: how is the control plane started from a terminal?

use std::net::SocketAddr;

use clap::Args;

use super::exit::Failure;
use super::{out, signals};
use crate::server::{self, ServerConfig};
use crate::telemetry;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  locum server
  locum server --listen 127.0.0.1:7500 --database-url sqlite:/var/lib/locum/locum.db")]
pub struct ServerArgs {
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:7400", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The database, created if need be
    #[arg(long, env = "LOCUM_DATABASE_URL", default_value = "sqlite:locum.db", value_name = "URL")]
    pub database_url: String,
    /// Listen on an address that others can reach, though nobody has to say who they are
    #[arg(long)]
    pub insecure: bool,
}

pub async fn run(args: ServerArgs) -> Result<(), Failure> {
    let ServerArgs { listen, database_url, insecure } = args;
    telemetry::log_to_stderr();
    let stop = signals::stop_on_signal()?;
    let bound = server::bind(ServerConfig { listen, database_url, insecure }).await?;
    out::result(format!("locum server listening on http://{}", bound.local_addr()));
    bound.run(stop).await?;
    Ok(())
}
