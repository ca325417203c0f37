//! JSON Schemas of every format, generated from the types, and the validation of documents and inputs against them.

mod explain;

use std::ops::Deref;
use std::sync::LazyLock;

use jsonschema::Validator;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

pub use explain::{Fault, MAX_FAULTS, explain, explain_response, fault_at, json, line_fault, utf8, without_place};

use crate::audit::{Audit, AuditReport};
use crate::collect::{FleetList, Plan, PlanAnswer, Response};
use crate::config::Config;
use crate::document::{Cohort, Document};
use crate::drill::Scenario;
use crate::drive::Record;
use crate::error::{Error, ErrorReport};
use crate::explain::Explanation;
use crate::manage;
use crate::report::Report;
use crate::waivers::WaiverFile;

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
    /// What a policy says, as `policy eval --format json` writes it
    Said,
    /// Many rollouts, as `audit --document` writes them; policies of audits read it as `input`
    Audit,
    /// The verdict on many rollouts, as `audit --format json` writes it
    AuditReport,
}

impl Name {
    /// Every format.
    pub const ALL: [Self; 18] = [
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
        Self::Said,
        Self::Audit,
        Self::AuditReport,
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
            Self::Said => "said.schema.json",
            Self::Audit => "audit.schema.json",
            Self::AuditReport => "audit-report.schema.json",
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
            Self::Said => "Findings of a policy",
            Self::Audit => "Document of an audit",
            Self::AuditReport => "Report on an audit",
        }
    }

    /// The `$id` of the schema: a name, and no address to load it from.
    pub fn id(self) -> String {
        format!("urn:rollproof:schema:{}:v1", self.file().trim_end_matches(".schema.json"))
    }

    /// The schema itself, generated from the types.
    pub fn schema(self) -> Value {
        let mut schema = self.generated();
        let mut named = Map::new();
        let dialect = schema["$schema"].take();
        named.extend([("$schema".into(), dialect), ("$id".into(), self.id().into())]);
        named.insert("title".into(), self.title().into());
        if let Some(keywords) = schema.as_object_mut() {
            keywords.retain(|keyword, _| keyword != "$schema" && keyword != "title");
            named.append(keywords);
        }
        named.into()
    }

    fn generated(self) -> Value {
        match self {
            Self::Document => schemars::schema_for!(Document).to_value(),
            Self::Report => schemars::schema_for!(Report).to_value(),
            Self::Error => schemars::schema_for!(ErrorReport).to_value(),
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
            Self::Waivers => schemars::schema_for!(WaiverFile).to_value(),
            Self::Explanation => schemars::schema_for!(Explanation).to_value(),
            Self::Tests => schemars::schema_for!(manage::Results).to_value(),
            Self::Case => schemars::schema_for!(manage::Case).to_value(),
            Self::Policies => schemars::schema_for!(manage::List).to_value(),
            Self::Policy => schemars::schema_for!(manage::Shown).to_value(),
            Self::Said => schemars::schema_for!(manage::Answer).to_value(),
            Self::Audit => schemars::schema_for!(Audit).to_value(),
            Self::AuditReport => schemars::schema_for!(AuditReport).to_value(),
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
            _ => None,
        }
    }
}

/// Either of a fleet's JSON forms, told apart by `if` so that an error names the form that was meant.
fn fleet() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let (answer, list) = (generator.subschema_for::<PlanAnswer>(), generator.subschema_for::<FleetList>());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
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

/// A document that is valid against its schema.
#[derive(Debug)]
pub struct Valid<'a>(&'a Document);

impl Deref for Valid<'_> {
    type Target = Document;

    fn deref(&self) -> &Document {
        self.0
    }
}

/// Compiled once, however many documents are checked.
static DOCUMENT: LazyLock<Validator> = LazyLock::new(|| validator(&Name::Document.schema(), None));

/// How many cohorts are checked at a time.
const CHUNK: usize = 4096;

/// Checks a document, some cohorts at a time, so that no second copy of the evidence is held. Names of tenants were
/// checked while collecting, and are left out.
///
/// # Errors
/// [`Error::Policy`] with the violation: a bug of ours, since everything was checked on its way in.
pub fn validate(document: &Document) -> Result<Valid<'_>, Error> {
    let bug = |problem: String| {
        Error::Policy(format!("the document is against its own schema, please report this as a bug: {problem}"))
    };
    let json = |error: serde_json::Error| bug(error.to_string());
    let check = |part: &Value| {
        let checked = DOCUMENT.validate(part);
        checked.map_err(|error| bug(format!("{}: {error}", error.instance_path())))
    };
    let without_cohorts = Document { calls: document.calls.clone(), ..document.without_evidence() };
    let mut part = serde_json::to_value(without_cohorts).map_err(json)?;
    if document.cohorts.is_empty() {
        check(&part)?;
    }
    for cohorts in document.cohorts.chunks(CHUNK) {
        let bare: Vec<_> = cohorts.iter().map(Cohort::without_tenants).collect();
        part["cohorts"] = serde_json::to_value(bare).map_err(json)?;
        check(&part)?;
        part["calls"] = json!([]);
    }
    Ok(Valid(document))
}

/// How many rollouts or tenants of an audit are checked at a time: more would be a second copy of months.
const AUDIT_CHUNK: usize = 256;

/// Checks the document of an audit, on every processor.
///
/// # Errors
/// [`Error::Policy`] with the violation: a bug of ours, since everything was checked on its way in.
pub fn validate_audit(audit: &Audit) -> Result<(), Error> {
    let bug = |problem: String| {
        Error::Policy(format!("the audit is against its own schema, please report this as a bug: {problem}"))
    };
    let validator = validator(&Name::Audit.schema(), None);
    let check = |part: &Audit| {
        let part = serde_json::to_value(part).map_err(|error| bug(error.to_string()))?;
        validator.validate(&part).map_err(|error| bug(format!("{}: {error}", error.instance_path())))
    };
    let frame = audit.without_lists();
    check(&frame)?;
    let bare = Audit { unreadable: Vec::new(), unpaired: Vec::new(), ..frame };
    let rollouts = audit.rollouts.par_chunks(AUDIT_CHUNK);
    rollouts.try_for_each(|rollouts| check(&Audit { rollouts: rollouts.to_vec(), ..bare.clone() }))?;
    let tenants = audit.tenants.par_chunks(AUDIT_CHUNK);
    tenants.try_for_each(|tenants| check(&Audit { tenants: tenants.to_vec(), ..bare.clone() }))
}

/// A key as it stands in a JSON pointer (RFC 6901).
pub fn escape_pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
