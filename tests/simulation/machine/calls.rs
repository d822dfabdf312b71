//! What does the control plane hear when it calls the agent of a simulated node? What the shipped client makes of the
//! shipped endpoint.

use std::time::Duration;

use locum::agent::core::{CoreError, CoreHandle};
use locum::wire::{AgentError, AssignmentRequest, LeaseAnswer, LeaseRequest, Observation, ObservationQuery};

use super::Machine;

/// A machine without power does not even refuse a connection: the shipped client gives up opening one after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// And a call that was under way when the power went, after this.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

impl Machine {
    pub async fn assign(&self, request: AssignmentRequest) -> Result<Observation, AgentError> {
        self.call(async |core| core.assign(request).await).await
    }

    pub async fn renew(&self, request: LeaseRequest) -> Result<LeaseAnswer, AgentError> {
        self.call(async |core| core.renew(request).await).await
    }

    pub async fn observe(&self, query: ObservationQuery) -> Result<Observation, AgentError> {
        self.call(async |core| core.observe(query).await).await
    }

    /// As the shipped client hears the shipped endpoint. A frozen agent does not answer before it goes on.
    async fn call<T>(&self, ask: impl AsyncFnOnce(CoreHandle) -> Result<T, CoreError>) -> Result<T, AgentError> {
        let unreachable = |why: &str| Err(AgentError::Unreachable(why.to_owned()));
        if !self.is_on() {
            tokio::time::sleep(CONNECT_TIMEOUT).await;
            return unreachable("the connection timed out");
        }
        let agent = {
            let node = self.node.lock().unwrap();
            node.agent.as_ref().and_then(|agent| Some((agent.life.clone(), agent.core.clone()?)))
        };
        let Some((life, core)) = agent else { return unreachable("the connection was refused") };
        match life.run(ask(core)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(CoreError::Refused(refusal))) => Err(AgentError::Refused(refusal)),
            // The endpoint says 500, which is no word of the protocol.
            Some(Err(CoreError::Failed(_))) => Err(AgentError::Garbled("status 500".to_owned())),
            None if self.is_on() => unreachable("the connection was reset"),
            None => {
                tokio::time::sleep(CALL_TIMEOUT).await;
                unreachable("the call timed out")
            }
        }
    }
}
