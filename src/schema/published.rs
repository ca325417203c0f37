//! The published formats: their names and their schemas, as generated into `schemas/`.

use jsonschema::Validator;
use serde_json::{Value, json};

/// How deep an input's arrays and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// A format that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// What evidence is collected into; policies read it as `input`
    Document,
    /// The verdict, as `--format json` writes it
    Report,
    /// Why there is no verdict, as `--format json` writes it then
    Error,
    /// An archived response of a rollout
    Response,
    /// A fleet: a plan call's answer, or a list of slugs
    Fleet,
    /// A rollout plan
    Plan,
    /// A line of the journal of a rollout
    Journal,
    /// `rollproof.toml`
    Config,
    /// A scenario of the drill
    Scenario,
    /// A file of waivers
    Waivers,
    /// How a verdict came about, as `explain --format json` writes it
    Explanation,
    /// What tests of policies gave, as `policy test --format json` writes it
    Tests,
    /// The expectation of a fixture of your own policies, `case.json`
    Case,
    /// Every policy, as `policy list --format json` writes it
    Policies,
    /// A policy, as `policy show --format json` writes it
    Policy,
    /// What is wrong with policies, as `policy check --format json` writes it
    Check,
    /// The findings of a policy, as `policy eval --format json` writes them
    Evaluation,
    /// Many rollouts, as `audit --document` writes them; policies of audits read it as `input`
    Audit,
    /// The verdict on many rollouts, as `audit --format json` writes it
    AuditReport,
    /// One tenant's life, as `history --format json` writes it
    History,
    /// A mapping: how another system's output is read as rows
    Mapping,
    /// What a mapping reads in an input, as `mapping try --format json` writes it
    Mapped,
}

impl Name {
    /// Every format.
    pub const ALL: [Self; 22] = [
        Self::Document,
        Self::Report,
        Self::Error,
        Self::Response,
        Self::Fleet,
        Self::Plan,
        Self::Journal,
        Self::Config,
        Self::Scenario,
        Self::Waivers,
        Self::Explanation,
        Self::Tests,
        Self::Case,
        Self::Policies,
        Self::Policy,
        Self::Check,
        Self::Evaluation,
        Self::Audit,
        Self::AuditReport,
        Self::History,
        Self::Mapping,
        Self::Mapped,
    ];

    /// The name of its file in `schemas/`.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Document => "document.schema.json",
            Self::Report => "report.schema.json",
            Self::Error => "error.schema.json",
            Self::Response => "response.schema.json",
            Self::Fleet => "fleet.schema.json",
            Self::Plan => "plan.schema.json",
            Self::Journal => "journal.schema.json",
            Self::Config => "config.schema.json",
            Self::Scenario => "scenario.schema.json",
            Self::Waivers => "waivers.schema.json",
            Self::Explanation => "explanation.schema.json",
            Self::Tests => "tests.schema.json",
            Self::Case => "case.schema.json",
            Self::Policies => "policies.schema.json",
            Self::Policy => "policy.schema.json",
            Self::Check => "check.schema.json",
            Self::Evaluation => "evaluation.schema.json",
            Self::Audit => "audit.schema.json",
            Self::AuditReport => "audit-report.schema.json",
            Self::History => "history.schema.json",
            Self::Mapping => "mapping.schema.json",
            Self::Mapped => "mapped.schema.json",
        }
    }

    /// The format's name in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Document => "Document of a rollout",
            Self::Report => "Report on a rollout",
            Self::Error => "Report that there is no verdict",
            Self::Response => "Response of a rollout",
            Self::Fleet => "Fleet",
            Self::Plan => "Rollout plan",
            Self::Journal => "Record of a rollout's journal",
            Self::Config => "Configuration",
            Self::Scenario => "Drill scenario",
            Self::Waivers => "Waivers",
            Self::Explanation => "Explanation of a verdict",
            Self::Tests => "Results of policy tests",
            Self::Case => "Expectation of a fixture",
            Self::Policies => "List of policies",
            Self::Policy => "Description of a policy",
            Self::Check => "Check of policies",
            Self::Evaluation => "Findings of a policy",
            Self::Audit => "Document of an audit",
            Self::AuditReport => "Report on an audit",
            Self::History => "History of a tenant",
            Self::Mapping => "Mapping",
            Self::Mapped => "What a mapping reads",
        }
    }

    /// The `$id` of the schema: a name, and no address to load it from.
    pub fn id(self) -> String {
        format!("urn:rollproof:schema:{}:v1", self.file().trim_end_matches(".schema.json"))
    }

    /// The schema as its file holds it, and as `rollproof schema` prints it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Document => include_str!("../../schemas/document.schema.json"),
            Self::Report => include_str!("../../schemas/report.schema.json"),
            Self::Error => include_str!("../../schemas/error.schema.json"),
            Self::Response => include_str!("../../schemas/response.schema.json"),
            Self::Fleet => include_str!("../../schemas/fleet.schema.json"),
            Self::Plan => include_str!("../../schemas/plan.schema.json"),
            Self::Journal => include_str!("../../schemas/journal.schema.json"),
            Self::Config => include_str!("../../schemas/config.schema.json"),
            Self::Scenario => include_str!("../../schemas/scenario.schema.json"),
            Self::Waivers => include_str!("../../schemas/waivers.schema.json"),
            Self::Explanation => include_str!("../../schemas/explanation.schema.json"),
            Self::Tests => include_str!("../../schemas/tests.schema.json"),
            Self::Case => include_str!("../../schemas/case.schema.json"),
            Self::Policies => include_str!("../../schemas/policies.schema.json"),
            Self::Policy => include_str!("../../schemas/policy.schema.json"),
            Self::Check => include_str!("../../schemas/check.schema.json"),
            Self::Evaluation => include_str!("../../schemas/evaluation.schema.json"),
            Self::Audit => include_str!("../../schemas/audit.schema.json"),
            Self::AuditReport => include_str!("../../schemas/audit-report.schema.json"),
            Self::History => include_str!("../../schemas/history.schema.json"),
            Self::Mapping => include_str!("../../schemas/mapping.schema.json"),
            Self::Mapped => include_str!("../../schemas/mapped.schema.json"),
        }
    }

    /// The schema itself.
    #[allow(clippy::missing_panics_doc, reason = "it never panics: each text is generated, and a test reads it")]
    pub fn schema(self) -> Value {
        #[expect(clippy::expect_used, reason = "the texts are generated, and a test reads each")]
        serde_json::from_str(self.text()).expect("a published schema is JSON")
    }

    /// Where its one long array is, and what its elements are.
    pub(crate) const fn long_array(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Document => Some(("/cohorts", "Cohort")),
            Self::Response => Some(("/results", "ResponseRow")),
            Self::Fleet => Some(("", "FleetItem")),
            _ => None,
        }
    }
}

/// Compiles a schema, or one of its definitions.
pub(crate) fn validator(schema: &Value, definition: Option<&str>) -> Validator {
    let mut schema = schema.clone();
    if let Some(name) = definition {
        schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
    }
    #[expect(clippy::expect_used, reason = "the schemas are our own, and a test compiles each")]
    jsonschema::validator_for(&schema).expect("a generated schema compiles")
}
