//! Names that every scenario shares.

/// The build that every scenario rolls out.
pub(crate) const TARGET: &str = "staging-abcdef1";

pub const SHA: &str = "abcdef1000000000000000000000000000000000";

/// The token that the drill's control plane and its Gitea ask for. It opens nothing else.
pub const TOKEN: &str = "drill-token-of-no-worth";
