//! Where do logs and metrics go?
