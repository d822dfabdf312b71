//! How are assigned groups run on this node, and never past their lease?

pub mod drivers;
pub mod guard;
pub mod ledger;
pub mod supervisor;
