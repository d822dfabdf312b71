//! How is a value written as YAML, with its fields in their order?

use saphyr::{LoadableYamlNode, Yaml, YamlEmitter};
use serde::Serialize;

use super::exit::Failure;

/// The fields stand in the order of the type's, which is that of a document written by hand.
pub fn write(value: &impl Serialize) -> Result<String, Failure> {
    // JSON is YAML; a value of serde_json would sort the fields, its text does not.
    let json = serde_json::to_string(value).map_err(|error| failed(&error))?;
    let nodes = Yaml::load_from_str(&json).map_err(|error| failed(&error))?;
    let mut text = String::new();
    for node in &nodes {
        YamlEmitter::new(&mut text).dump(node).map_err(|error| failed(&error))?;
    }
    // One document needs no mark of its beginning.
    Ok(text.strip_prefix("---\n").unwrap_or(&text).trim_end().to_owned())
}

fn failed(error: &impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("it can't be written as YAML: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::document::Document;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_as_it_was() {
        #[derive(Serialize)]
        struct Fields {
            name: &'static str,
            agent: serde_json::Value,
        }
        let odd = json!([
            "", "1", "-1.5", "true", "no", "null", "~", "a: b", "# c", "- d", "{e}", "'f'", "\"g\"", " h ", "i\nj\n", "0x10", "1e3",
            "@k", "`l`", "%m", "*n", "&o", "!p", "|", ">", "q#r", "s #t", "\u{1}\u{7f}", "10s", "12:30:00", "2026-01-01", ".inf", "é", "\t",
            7, -3, 1.5, true, null, {}, [], {"z": {"a": [[1, 2], {"b": {}}]}}, i64::MAX, "\u{feff}x", "=", "<<", "?", ":", "a:",
        ]);
        let text = write(&Fields { name: "bts1", agent: odd.clone() }).unwrap();
        assert!(text.starts_with("name: bts1\nagent:"), "{text}");
        let read = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let (read, odd) = (read.value["agent"].as_array().unwrap(), odd.as_array().unwrap());
        let wrong: Vec<_> = odd.iter().zip(read).filter(|(written, read)| written != read).collect();
        assert!(wrong.is_empty() && read.len() == odd.len(), "{wrong:?}\n{text}");
    }
}
