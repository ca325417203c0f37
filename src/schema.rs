//! JSON Schemas of every format, generated from the types, and the validation of documents and inputs against them.

mod explain;

use jsonschema::Validator;
use serde_json::{Value, json};

pub use explain::{Fault, MAX_FAULTS, explain, fault_at, line_fault, utf8};

use crate::collect::{FleetList, Plan, PlanAnswer, Response};
use crate::config::Config;
use crate::document::Document;
use crate::drill::Scenario;
use crate::drive::Record;
use crate::report::Report;

/// How deep an input's arrays and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// A format that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// What evidence is collected into; policies read it as `input`
    Document,
    /// The verdict, as `--format json` writes it
    Report,
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
}

impl Name {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Document,
        Self::Report,
        Self::Response,
        Self::Fleet,
        Self::Plan,
        Self::Journal,
        Self::Config,
        Self::Scenario,
    ];

    /// The name of its file in `schemas/`.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Document => "document.schema.json",
            Self::Report => "report.schema.json",
            Self::Response => "response.schema.json",
            Self::Fleet => "fleet.schema.json",
            Self::Plan => "plan.schema.json",
            Self::Journal => "journal.schema.json",
            Self::Config => "config.schema.json",
            Self::Scenario => "scenario.schema.json",
        }
    }

    /// The schema itself, generated from the types.
    pub fn schema(self) -> Value {
        match self {
            Self::Document => schemars::schema_for!(Document).to_value(),
            Self::Report => schemars::schema_for!(Report).to_value(),
            Self::Response => {
                let mut schema = schemars::schema_for!(Response).to_value();
                schema["anyOf"] =
                    ["ok", "results", "error", "message", "stragglers"].map(|key| json!({"required": [key]})).into();
                schema
            }
            Self::Fleet => fleet(),
            Self::Plan => schemars::schema_for!(Plan).to_value(),
            Self::Journal => schemars::schema_for!(Record).to_value(),
            Self::Config => schemars::schema_for!(Config).to_value(),
            Self::Scenario => schemars::schema_for!(Scenario).to_value(),
        }
    }

    /// The schema as its file holds it.
    pub fn text(self) -> String {
        let mut text = format!("{:#}", self.schema());
        text.push('\n');
        text
    }

    /// Where its one long array is, and what its elements are.
    const fn long_array(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Document => Some(("/cohorts", "Cohort")),
            Self::Response => Some(("/results", "ResponseRow")),
            Self::Fleet => Some(("", "FleetItem")),
            Self::Report | Self::Plan | Self::Journal | Self::Config | Self::Scenario => None,
        }
    }
}

/// Either of a fleet's JSON forms, told apart by `if` so that an error names the form that was meant.
fn fleet() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let (answer, list) = (generator.subschema_for::<PlanAnswer>(), generator.subschema_for::<FleetList>());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fleet",
        "description": "The tenants that a rollout has to cover: a plan call's answer, or a list of slugs, with labels or without.",
        "if": {"type": "object"},
        "then": answer,
        "else": list,
        "$defs": generator.take_definitions(true),
    })
}

/// Compiles a schema, or one of its definitions.
fn validator(schema: &Value, definition: Option<&str>) -> Validator {
    let mut schema = schema.clone();
    if let Some(name) = definition {
        schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
    }
    #[expect(clippy::expect_used, reason = "the schemas are our own, and a test compiles each")]
    jsonschema::validator_for(&schema).expect("a generated schema compiles")
}

/// Checks a document that was collected here, cohort by cohort, so that no second copy of the evidence is held.
/// Names of tenants were checked while collecting, and are left out.
///
/// # Errors
/// The JSON pointer and the violation: a bug of ours, since everything was checked on its way in.
pub fn check_document(document: &Document) -> Result<(), String> {
    let schema = Name::Document.schema();
    check(&validator(&schema, None), &document.without_evidence(), "")?;
    let cohort_validator = validator(&schema, Some("Cohort"));
    for (i, cohort) in document.cohorts.iter().enumerate() {
        check(&cohort_validator, &cohort.without_tenants(), &format!("/cohorts/{i}"))?;
    }
    Ok(())
}

fn check<T: serde::Serialize>(validator: &Validator, value: &T, pointer: &str) -> Result<(), String> {
    let value = serde_json::to_value(value).map_err(|error| format!("{pointer}: {error}"))?;
    validator.validate(&value).map_err(|error| format!("{pointer}{}: {error}", error.instance_path()))
}

/// A key as it stands in a JSON pointer (RFC 6901).
pub fn escape_pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
