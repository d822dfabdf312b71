//! Where in what a caller sent is something wrong?

use serde_json::Value;

use crate::domain::Finding;

/// Where in a document stands what a caller sent: pointers into the document, each with one into what was sent. An empty one is
/// the whole.
pub struct Places(pub Vec<(String, String)>);

/// One place at which stands all of what was sent.
impl From<String> for Places {
    fn from(at: String) -> Self {
        Self(vec![(at, String::new())])
    }
}

impl Places {
    /// The pointer into what was sent: by the innermost place, and the last of several.
    fn sent(&self, pointer: &str) -> Option<String> {
        let within = self.0.iter().filter_map(|(at, sent)| Some((at.len(), sent, pointer.strip_prefix(at.as_str())?)));
        let whole = within.filter(|(_, _, rest)| rest.is_empty() || rest.starts_with('/'));
        whole.max_by_key(|(length, ..)| *length).map(|(_, sent, rest)| format!("{sent}{rest}"))
    }
}

/// Findings with pointers into what the caller sent, which stands at `at`. What is wrong elsewhere is said of the whole of
/// it, with the place in words.
pub fn relative_to(at: &Places, document: &Value, findings: Vec<Finding>) -> Vec<Finding> {
    let relative = |finding: Finding| match at.sent(&finding.pointer) {
        Some(pointer) => Finding { pointer, ..finding },
        None => {
            let detail = format!("{}: {}", in_words(&finding.pointer, document), finding.detail);
            Finding { pointer: String::new(), detail, ..finding }
        }
    };
    findings.into_iter().map(relative).collect()
}

/// `/groups/0/preferred_owners/1` as `groups/ftp/preferred_owners/1`.
fn in_words(pointer: &str, document: &Value) -> String {
    let (mut place, mut words) = (Some(document), Vec::new());
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        place = place.and_then(|value| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(&key),
        });
        let name = place.and_then(|value| value.get("name").or_else(|| value.get("node"))).and_then(Value::as_str);
        words.push(name.map_or(key, str::to_owned));
    }
    words.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn findings_point_into_what_was_sent() {
        let document = json!({ "groups": [{ "name": "ftp", "preferred_owners": ["a"] }], "nodes": [{ "name": "a" }] });
        let findings = ["/nodes/0/agent", "/nodes/0", "/groups/0/preferred_owners/0", "/nodes/01"];
        let findings = findings.map(|pointer| Finding::new(pointer, "code", "wrong")).to_vec();
        let found = relative_to(&"/nodes/0".to_owned().into(), &document, findings);
        let said: Vec<_> = found.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
        let elsewhere = ("", "groups/ftp/preferred_owners/0: wrong");
        assert_eq!(said[..3], [("/agent", "wrong"), ("", "wrong"), elsewhere]);
        assert_eq!(said[3].0, "");
    }

    #[test]
    fn of_several_places_the_innermost_and_last_counts() {
        let places = [
            ("/groups/1", "/changes/0/body"),
            ("/groups/1/resources/0", "/changes/2/body"),
            ("/groups/1", "/changes/3/body"),
        ];
        let places = Places(places.map(|(at, sent)| (at.to_owned(), sent.to_owned())).to_vec());
        assert_eq!(places.sent("/groups/1/resources/0/name").as_deref(), Some("/changes/2/body/name"));
        assert_eq!(places.sent("/groups/1/resources/1").as_deref(), Some("/changes/3/body/resources/1"));
        assert_eq!(places.sent("/groups/10"), None);
    }
}
