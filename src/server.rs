//! How is the control plane put together, started and stopped?
