//! How is a resource of each type started and probed?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::guard::client::{ServiceKey, StartOrder};
use crate::domain::{ClusterName, Epoch, NodeName, ResourceClass, ResourceSpec, ResourceType};

pub mod logs;
pub mod probe;

/// The types of resources that this agent can run.
pub const DRIVERS: &[ResourceType] = &[ResourceType::Process];

/// What a service may be told of itself.
const OURS: [&str; 6] = ["LOCUM_CLUSTER", "LOCUM_NODE", "LOCUM_RESOURCE", "LOCUM_GROUP", "LOCUM_EPOCH", "LOCUM_HOST"];

/// Where a service runs: what it is told of itself.
#[derive(Debug, Clone)]
pub struct Place {
    pub cluster: ClusterName,
    pub node: NodeName,
    pub state_dir: PathBuf,
}

/// What the guard is to start, or a sentence why it can't be.
pub fn start_order(key: ServiceKey, epoch: Epoch, spec: &ResourceSpec, place: &Place) -> Result<StartOrder, String> {
    let process = spec.run.process().ok_or_else(|| no_driver(spec.resource_type()))?;
    let env = environment(&key, epoch, spec, place);
    let mut command = process.command.clone();
    let program = command.first_mut().ok_or("its command is empty")?;
    if !program.contains('/') {
        *program = look_up(program, env.get("PATH").map_or("", String::as_str))?;
    }
    let log = logs::path(&place.state_dir, &key);
    let dir = log.parent().unwrap_or(&place.state_dir);
    std::fs::create_dir_all(dir).map_err(|e| format!("its log directory {} can't be made: {e}", dir.display()))?;
    let working_dir = process.working_dir.as_ref().map(PathBuf::from);
    Ok(StartOrder { key, epoch, command, env, working_dir, stop_signal: process.stop_signal, log })
}

fn no_driver(kind: ResourceType) -> String {
    match kind {
        ResourceType::Unspecified => "nothing says what it runs: give its host a `run`".to_owned(),
        kind => format!("this agent has no driver for resources of type {}", kind.as_str()),
    }
}

/// The whole environment of a service and of its probes.
///
/// An instance is told its host, a resource its group and epoch, and a clustered host all three.
pub fn environment(key: &ServiceKey, epoch: Epoch, spec: &ResourceSpec, place: &Place) -> BTreeMap<String, String> {
    let mut ours = vec![
        ("LOCUM_CLUSTER", place.cluster.to_string()),
        ("LOCUM_NODE", place.node.to_string()),
        ("LOCUM_RESOURCE", key.name().to_owned()),
    ];
    if let ServiceKey::Resource { group, .. } = key {
        ours.extend([("LOCUM_GROUP", group.to_string()), ("LOCUM_EPOCH", epoch.to_string())]);
    }
    if !key.is_leased() || spec.class() == ResourceClass::Host {
        ours.push(("LOCUM_HOST", key.name().to_owned()));
    }
    let inherited = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let mut env: BTreeMap<String, String> = inherited.collect();
    env.extend(spec.run.process().into_iter().flat_map(|process| process.env.clone()));
    // What is Locum's is said by Locum or not at all.
    env.retain(|name, _| !OURS.contains(&name.as_str()));
    env.extend(ours.into_iter().map(|(name, value)| (name.to_owned(), value)));
    env
}

fn look_up(program: &str, path: &str) -> Result<String, String> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |file: &Path| file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    let found = std::env::split_paths(path).map(|dir| dir.join(program)).find(|file| runs(file));
    found
        .and_then(|file| file.into_os_string().into_string().ok())
        .ok_or_else(|| format!("there is no program {program} in its PATH ({path}); name it by its whole path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let place =
            Place { cluster: "c".parse().unwrap(), node: "n".parse().unwrap(), state_dir: dir.path().to_path_buf() };
        let key = ServiceKey::Resource { group: "g".parse().unwrap(), resource: "r".parse().unwrap() };
        let spec = |program: &str| -> ResourceSpec {
            let env = serde_json::json!({ "A": "1", "LOCUM_EPOCH": "none" });
            let value = serde_json::json!({ "name": "r", "type": "process", "command": [program], "env": env });
            serde_json::from_value(value).unwrap()
        };
        let order = start_order(key.clone(), Epoch(7), &spec("sh"), &place).unwrap();
        assert!(order.command[0].ends_with("/sh"), "{:?}", order.command);
        assert_eq!(order.env["LOCUM_EPOCH"], "7");
        assert_eq!(order.env["A"], "1");
        assert!(!order.env.contains_key("LOCUM_HOST"));
        let instance = ServiceKey::Instance { host: "h".parse().unwrap() };
        let order = start_order(instance, Epoch(0), &spec("sh"), &place).unwrap();
        assert_eq!((order.env["LOCUM_HOST"].as_str(), order.env["LOCUM_RESOURCE"].as_str()), ("h", "h"));
        assert!(!order.env.contains_key("LOCUM_EPOCH") && !order.env.contains_key("LOCUM_GROUP"));
        let missing = start_order(key.clone(), Epoch(7), &spec("no-such-program"), &place).unwrap_err();
        assert!(missing.starts_with("there is no program no-such-program"), "{missing}");
        let unit = serde_json::json!({ "name": "r", "type": "systemd", "unit": "vsftpd.service" });
        let refused = start_order(key, Epoch(7), &serde_json::from_value(unit).unwrap(), &place).unwrap_err();
        assert_eq!(refused, "this agent has no driver for resources of type systemd");
    }
}
