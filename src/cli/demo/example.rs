//! How does the example become one that runs on this machine?

use std::path::Path;

use serde_json::Value;

use crate::cli::exit::Failure;
use crate::cli::input::Input;
use crate::domain::{NodeName, TopologySpec};

/// The example as a newcomer finds it.
const EXAMPLE: &str = include_str!("../../../examples/ftp-receive.yaml");

/// Where the example's folders are; the demo puts its own there.
const EXAMPLE_FOLDER: &str = "/srv/locum/";

/// The example with this machine's agents, program and folders.
#[derive(Debug)]
pub struct Example {
    pub document: Value,
    pub spec: TopologySpec,
}

impl Example {
    /// As it stands in the file.
    pub fn original() -> Result<Self, Failure> {
        let input = Input::parse("examples/ftp-receive.yaml".to_owned(), EXAMPLE)?;
        let spec = input.topology()?;
        Ok(Self { document: input.document.value, spec })
    }

    /// `agents`: the address of each node's agent; `program`: this one; `folder`: instead of /srv/locum.
    pub fn adapted(agents: &[(NodeName, String)], program: &Path, folder: &Path) -> Result<Self, Failure> {
        let mut example = Self::original()?;
        for node in items(&mut example.document, "nodes") {
            let address = agents.iter().find(|(name, _)| node["name"] == name.as_str()).map(|(_, address)| address);
            node["agent"] = Value::from(address.cloned());
        }
        for group in items(&mut example.document, "groups") {
            for resource in items(group, "resources") {
                adapt_command(&mut resource["command"], program, folder);
            }
        }
        let spec = crate::domain::topology::parse(&example.document)
            .map_err(|findings| Failure::Failed(format!("the example can't be run here: {findings:?}")))?;
        Ok(Self { document: example.document, spec })
    }

    /// The nodes' names.
    pub fn nodes(&self) -> Vec<NodeName> {
        self.spec.nodes.iter().map(|node| node.name.clone()).collect()
    }
}

fn items<'a>(value: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}

fn adapt_command(command: &mut Value, program: &Path, folder: &Path) {
    let folder = format!("{}/", folder.display());
    for (index, part) in command.as_array_mut().into_iter().flatten().enumerate() {
        let text = part.as_str().unwrap_or_default();
        *part = match index {
            0 => Value::from(program.display().to_string()),
            _ => Value::from(text.replace(EXAMPLE_FOLDER, &folder)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_agents_program_and_folders_are_replaced() {
        let names = Example::original().unwrap().nodes();
        let agents: Vec<_> = names.iter().map(|name| (name.clone(), format!("http://127.0.0.1/{name}"))).collect();
        let agents: Vec<_> =
            agents.into_iter().zip(9001..).map(|((n, _), p)| (n, format!("http://127.0.0.1:{p}"))).collect();
        let adapted = Example::adapted(&agents, Path::new("/bin/locum"), Path::new("/tmp/demo")).unwrap().spec;
        let original = Example::original().unwrap().spec;
        assert_eq!(adapted.settings, original.settings);
        assert_eq!(adapted.nodes[2].agent, "http://127.0.0.1:9003");
        assert_eq!(adapted.groups.len(), 2);
        for (mine, theirs) in adapted.groups.iter().zip(&original.groups) {
            let run = mine.resources[0].run.process().unwrap();
            assert_eq!(run.command[..2], ["/bin/locum", "receive"]);
            assert!(run.command[2..].iter().all(|part| part.contains("=/tmp/demo/")), "{:?}", run.command);
            assert_eq!(mine.failover, theirs.failover);
            assert_eq!(mine.resources[0].restart, theirs.resources[0].restart);
        }
    }
}
