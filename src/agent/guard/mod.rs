//! What keeps a service from outliving its lease when the agent can't? A small process that parents the services.

pub mod client;
