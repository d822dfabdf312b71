//! What do callers of the control plane see? Every route on one page.

pub mod views;
