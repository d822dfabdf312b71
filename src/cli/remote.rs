//! Which server and which cluster does a command talk to, and in which form does it answer?

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::client::control_plane::ControlPlane;
use crate::domain::ClusterName;

/// Names the cluster where a command line does not.
const CLUSTER_VARIABLE: &str = "LOCUM_CLUSTER";

/// What every command that asks a server takes.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// Address of the control plane
    #[arg(long, global = true, env = "LOCUM_SERVER", default_value = "http://127.0.0.1:7400", value_name = "URL")]
    #[arg(help_heading = "Commands that ask a server")]
    pub server: String,
    /// Tables for people, or the API's JSON for programs
    #[arg(long, global = true, value_enum, default_value = "table", help_heading = "Commands that ask a server")]
    pub output: Output,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

impl Remote {
    pub fn control_plane(&self) -> Result<ControlPlane, Failure> {
        Ok(ControlPlane::new(&self.server, &actor())?)
    }

    pub const fn json(&self) -> bool {
        matches!(self.output, Output::Json)
    }
}

/// The cluster that was named, else LOCUM_CLUSTER, else the server's only one.
pub async fn cluster(plane: &ControlPlane, named: Option<ClusterName>) -> Result<ClusterName, Failure> {
    if let Some(name) = named {
        return Ok(name);
    }
    if let Some(text) = std::env::var(CLUSTER_VARIABLE).ok().filter(|text| !text.is_empty()) {
        return text.parse().map_err(|e| Failure::Failed(format!("{CLUSTER_VARIABLE} is {text:?}: {e}")));
    }
    only_one(plane.clusters().await?, plane.server())
}

fn only_one(mut names: Vec<ClusterName>, server: &str) -> Result<ClusterName, Failure> {
    match (names.pop(), names.len()) {
        (Some(name), 0) => Ok(name),
        (None, _) => {
            Err(Failure::Failed(format!("{server} has no cluster yet; create one with `locum apply -f FILE`")))
        }
        (Some(last), _) => {
            names.push(last);
            let names: Vec<&str> = names.iter().map(ClusterName::as_str).collect();
            Err(Failure::Failed(format!(
                "{server} has the clusters {}: name the one you mean, on the command line or in {CLUSTER_VARIABLE}",
                names.join(", ")
            )))
        }
    }
}

/// Who asks, as the history shows it: user@host.
pub fn actor() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).or_else(|| variable("USERNAME")).or_else(account_name);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|text| text.trim().to_owned());
    let host = host.or_else(|| variable("HOSTNAME")).or_else(|| variable("COMPUTERNAME"));
    format!("{}@{}", user.as_deref().unwrap_or("unknown"), host.as_deref().unwrap_or("unknown"))
}

/// A service or container often has no USER. On Linux the system says who it is; elsewhere these files are not there.
fn account_name() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.to_owned();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let account = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    account
        .filter(|fields| fields.get(2) == Some(&uid.as_str()))
        .find_map(|fields| fields.first().map(|s| (*s).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_may_go_unnamed_only_where_there_is_one() {
        let name = |text: &str| -> ClusterName { text.parse().unwrap() };
        assert_eq!(only_one(vec![name("a")], "s"), Ok(name("a")));
        let none = only_one(vec![], "http://s").unwrap_err().to_string();
        assert!(none.contains("http://s has no cluster yet"), "{none}");
        let two = only_one(vec![name("a"), name("b")], "http://s").unwrap_err().to_string();
        assert!(two.contains("has the clusters a, b"), "{two}");
    }
}
