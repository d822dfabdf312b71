//! Which calls are about how groups fared?

use jiff::Timestamp;
use reqwest::RequestBuilder;

use super::{CallError, ControlPlane, Reply};
use crate::domain::statistics::{Statistics, Timeline};
use crate::domain::{ClusterName, GroupName};

/// From when to when; what is left out is for the server to choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct During {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl ControlPlane {
    /// How each group of a cluster fared.
    pub async fn statistics(&self, cluster: &ClusterName, during: During) -> Result<Reply<Statistics>, CallError> {
        self.call(self.of_statistics(cluster, during)).await
    }

    /// The same as a report in Markdown.
    pub async fn statistics_report(&self, cluster: &ClusterName, during: During) -> Result<String, CallError> {
        self.markdown(self.of_statistics(cluster, during)).await
    }

    fn of_statistics(&self, cluster: &ClusterName, during: During) -> RequestBuilder {
        within(self.get(&format!("/v1/clusters/{cluster}/statistics")), during)
    }

    /// Who owned a group when.
    pub async fn timeline(
        &self,
        cluster: &ClusterName,
        group: &GroupName,
        during: During,
    ) -> Result<Reply<Timeline>, CallError> {
        self.call(self.of_timeline(cluster, group, during)).await
    }

    /// The same as a report in Markdown.
    pub async fn timeline_report(
        &self,
        cluster: &ClusterName,
        group: &GroupName,
        during: During,
    ) -> Result<String, CallError> {
        self.markdown(self.of_timeline(cluster, group, during)).await
    }

    fn of_timeline(&self, cluster: &ClusterName, group: &GroupName, during: During) -> RequestBuilder {
        within(self.get(&format!("/v1/clusters/{cluster}/groups/{group}/timeline")), during)
    }
}

fn within(request: RequestBuilder, During { since, until }: During) -> RequestBuilder {
    request.query(&since.map(|at| [("since", at)])).query(&until.map(|at| [("until", at)]))
}
