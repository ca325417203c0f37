//! What policies evaluate: a rollout or an audit.

/// What policies judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject {
    /// A rollout, by its document.
    #[default]
    Rollout,
    /// Many rollouts, by the document of an audit.
    Audit,
}

impl Subject {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Rollout => Self::Audit,
            Self::Audit => Self::Rollout,
        }
    }

    /// What METADATA calls the schema of what is judged.
    pub(crate) const fn schema(self) -> &'static str {
        match self {
            Self::Rollout => "document.schema",
            Self::Audit => "audit.schema",
        }
    }
}
