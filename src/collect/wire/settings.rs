//! How a control plane of another wire is called and how its answers are read, as the first record of a journal keeps it,
//! so that the journal replays without the configuration and the files that it was driven with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::io::config::control_plane::Method;
use crate::model::document::text::Text;

/// `[control_plane]` of the configuration, as it was. What is absent is as in the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WireSettings {
    /// The path of every call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// The HTTP method of every call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// The header that carries the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_header: Option<Text>,
    /// What stands before the token in its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_scheme: Option<Text>,
    /// The jq filter that makes the body of a request of the contract's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Text>,
    /// The mapping that makes rows of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<MappingText>,
    /// The jq filter that says whether an answer is a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<Text>,
    /// The jq filter that says what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
}

/// A mapping file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingText {
    /// Its name, as it was given.
    pub name: Text,
    /// Its own bytes.
    pub text: Text,
}

impl WireSettings {
    /// Whether answers differ from the contract's.
    pub const fn reads_answers(&self) -> bool {
        self.answer.is_some() || self.ok.is_some() || self.error.is_some()
    }

    /// How the control plane is called and its answers are read, for a person.
    pub fn words(&self) -> String {
        let path = self.path.as_deref().unwrap_or("the contract's path");
        let answer = self.answer.as_ref().map_or_else(String::new, |file| format!(", answers read by {}", file.name));
        format!("{} {path}{answer}", self.method.unwrap_or_default())
    }

    /// Whether a rollout would be driven in another way with the other settings. The name of a file makes no difference.
    pub fn differs(&self, other: &Self) -> bool {
        let without_name = |settings: &Self| {
            let mut settings = settings.clone();
            if let Some(mapping) = &mut settings.answer {
                mapping.name = Text::from("");
            }
            settings
        };
        without_name(self) != without_name(other)
    }
}
