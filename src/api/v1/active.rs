//! Is a group active, and on which node? For load balancers and probes, which read the status only.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::actions::OneGroup;
use super::status::first;
use crate::api::AppState;
use crate::api::answers::Reading;
use crate::api::extract::{Path, Query};
use crate::api::problem::ApiError;
use crate::domain::{Epoch, GroupName, GroupState, NodeName, ResourceName, ResourceState, spelled};

/// Where it should be active.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// Only if it is on this node; absent: on any.
    #[param(value_type = Option<NodeName>)]
    node: Option<NodeName>,
}

/// A group that is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Active {
    pub group: GroupName,
    /// The one node that runs it.
    pub owner: NodeName,
    pub epoch: Epoch,
}

/// Ask whether a group is active
///
/// 200 while it is online (or only lacks what is not critical), else 404. With `node`: 200 for its owner only, so a load
/// balancer that asks for each of its servers sends everything to one of them.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/groups/{group}/active", tag = "status", params(OneGroup, Where), responses(
    (status = 200, description = "It is active there", body = Active),
    Reading,
))]
pub async fn get_active(
    State(state): State<AppState>,
    Path(OneGroup { cluster, group }): Path<OneGroup>,
    Query(Where { node }): Query<Where>,
) -> Result<Response, ApiError> {
    let view = first(&state, &cluster).await?;
    let found = view.status.groups.iter().find(|status| status.name == group);
    let status = found.ok_or_else(|| ApiError::not_found("group", group.as_str()))?;
    let spec = view.snapshot.groups.get(&group).map(|group| &group.spec);
    let critical = |name: &ResourceName| {
        spec.and_then(|spec| spec.resources.iter().find(|resource| resource.name == *name)).is_none_or(|r| r.critical)
    };
    let runs = match status.state {
        GroupState::Online => true,
        GroupState::PartialOnline => {
            status.resources.iter().all(|resource| resource.state == ResourceState::Online || !critical(&resource.name))
        }
        _ => false,
    };
    let owner = status.owner.clone().filter(|_| runs);
    match (owner, node) {
        (None, _) => Err(ApiError::not_active(format!("group {group} is not active: {}", spelled(status.state)))),
        (Some(owner), Some(node)) if owner != node => {
            Err(ApiError::not_active(format!("group {group} is active on {owner}, not on {node}")))
        }
        (Some(owner), _) => {
            let active = Active { group, owner, epoch: status.epoch };
            Ok(([(header::CACHE_CONTROL, "no-store")], Json(active)).into_response())
        }
    }
}
