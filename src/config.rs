//! Which settings does a program take, and are they right?
