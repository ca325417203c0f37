//! The token is nowhere.
