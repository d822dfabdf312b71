//! How does a host become a resource of a group, and an instance on each node again?

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::edit::{self, Made};
use super::hosts::OneHost;
use super::kinds::One;
use super::{objects, written};
use crate::api::AppState;
use crate::api::answers::Replacing;
use crate::api::extract::{Body, DryRun, Edit, Path};
use crate::api::problem::ApiError;
use crate::api::views::{ActionRequest, ClusterRequest, HostView, ObjectResult, Problem};
use crate::domain::{ChangeAction, ClusterName, Finding, GroupName, HostKind, HostSpec, TopologySpec};
use crate::store::Stored;

/// What else to know of a host that was unclustered.
const DISABLED: &str =
    "its instances are stopped and disabled, so that none starts by itself; enable those that should run";

/// Cluster a host
///
/// From then on at most one instance runs, as a resource of the group: on a node with an enabled instance, after the group's
/// network name. Clustering starts it at once; instances that run beside the one stop. With `dry_run` it answers what that
/// starts and stops.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/hosts/{host}/cluster", tag = "topology",
    params(OneHost, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the host's ETag")),
    request_body = ClusterRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HostView>,
        headers(("etag" = String, description = "The host's generation, and what is seen"))),
    Replacing,
    (status = 409, description = "It is clustered in another group", body = Problem, content_type = "application/problem+json"),
))]
pub async fn cluster_host(
    State(state): State<AppState>,
    Path(at): Path<OneHost>,
    asked: Edit,
    Body(request): Body<ClusterRequest>,
) -> Result<Response, ApiError> {
    let Some(group) = request.group else {
        let detail = "say in which group the host is to be clustered, like {\"group\": \"ftp-receive\"}";
        return Err(ApiError::invalid(vec![Finding::new("/group", "missing_field", detail)]));
    };
    let said = because(request.reason.as_deref());
    write(&state, &at.cluster, at.one(), asked, |spec, host, fields| {
        refuse_to_cluster(spec, host, &group)?;
        fields["clustered_in"] = json!(group);
        let message = format!("clustered host {} in group {group}{said}", host.name);
        Ok((ChangeAction::ClusterHost, message))
    })
    .await
}

/// Uncluster a host
///
/// The group no longer runs it. All its instances stop, and they are disabled, so that none starts by itself: which of them
/// should run beside each other is yours to say, by enabling it. What it depended on in the group is forgotten.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/hosts/{host}/uncluster", tag = "topology",
    params(OneHost, DryRun,
        ("If-Match" = Option<String>, Header, description = "Only if this is still the host's ETag")),
    request_body = ActionRequest, responses(
    (status = 200, description = "Accepted, or with dry_run: what would happen", body = ObjectResult<HostView>,
        headers(("etag" = String, description = "The host's generation, and what is seen"))),
    Replacing,
    (status = 409, description = "It is not clustered", body = Problem, content_type = "application/problem+json"),
))]
pub async fn uncluster_host(
    State(state): State<AppState>,
    Path(at): Path<OneHost>,
    asked: Edit,
    Body(request): Body<ActionRequest>,
) -> Result<Response, ApiError> {
    let said = because(request.reason.as_deref());
    write(&state, &at.cluster, at.one(), asked, |_, host, fields| {
        let Some(group) = &host.clustered_in else {
            return Err(ApiError::conflict(format!("host {} is not clustered", host.name)));
        };
        if let Some(fields) = fields.as_object_mut() {
            fields.remove("clustered_in");
            fields.remove("depends_on");
        }
        let instances = fields.get_mut("instances").and_then(Value::as_array_mut);
        instances.into_iter().flatten().for_each(|instance| instance["disabled"] = json!(true));
        let message = format!("took host {} out of group {group} and disabled its instances{said}", host.name);
        Ok((ChangeAction::UnclusterHost, message))
    })
    .await
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn refuse_to_cluster(spec: &TopologySpec, host: &HostSpec, group: &GroupName) -> Result<(), ApiError> {
    if let Some(other) = host.clustered_in.as_ref().filter(|other| *other != group) {
        return Err(ApiError::conflict(format!(
            "host {} is clustered in group {other}; uncluster it first",
            host.name
        )));
    }
    if host.kind == HostKind::Isolated {
        return Err(ApiError::refused(format!(
            "host {} is isolated: it runs inside another server's processes, and only in-process hosts can be clustered",
            host.name
        )));
    }
    if !spec.groups.iter().any(|known| known.name == *group) {
        let known: Vec<_> = spec.groups.iter().map(|known| known.name.as_str()).collect();
        let detail = format!("there is no group {:?}; the groups are {}", group.as_str(), known.join(", "));
        return Err(ApiError::invalid(vec![Finding::new("/group", "dangling_reference", detail)]));
    }
    Ok(())
}

async fn write(
    state: &AppState,
    cluster: &ClusterName,
    one: One<'_>,
    asked: Edit,
    make: impl Fn(&TopologySpec, &HostSpec, &mut Value) -> Result<(ChangeAction, String), ApiError>,
) -> Result<Response, ApiError> {
    let found = |stored: &Stored| one.generation(&stored.objects);
    let change = |stored: &Stored, document: &mut Value| {
        let index = stored.spec.hosts.iter().position(|host| host.name.as_str() == one.name);
        let index = index.ok_or_else(|| one.missing())?;
        asked.expect.check(one.list.kind.word, one.name, found(stored))?;
        let at = format!("/hosts/{index}");
        let fields = document.pointer_mut(&at).ok_or_else(ApiError::internal)?;
        let (action, message) = make(&stored.spec, &stored.spec.hosts[index], fields)?;
        Ok(Made { at: at.into(), action, object: one.path(), message, unsaid: None })
    };
    edit::edit(state, cluster, &asked, change, |done| {
        let found = found(&done.before);
        let generation = if done.changed && !asked.dry_run { done.generation } else { found.unwrap_or_default() };
        let object = objects::of_spec(state, &done.spec, one, generation)?;
        let is_clustered = |host: &HostSpec| host.name.as_str() == one.name && host.clustered_in.is_some();
        let note = (!done.spec.hosts.iter().any(is_clustered)).then(|| DISABLED.to_owned());
        let seen = objects::seen_in(one, object.as_ref(), asked.dry_run);
        let mut answer = written::answer_saying(done, object, found, asked.dry_run, note)?;
        seen.map_or(Ok(()), |seen| answer.tag_seen(generation, &seen))?;
        Ok(answer)
    })
    .await
}
