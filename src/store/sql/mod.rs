//! The database with SQL.
