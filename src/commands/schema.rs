//! `rollproof schema`, and the generation of every schema from its type.

use serde_json::{Map, Value, json};

use crate::audit::life::History;
use crate::audit::report::AuditReport;
use crate::collect::fleet::{FleetList, PlanAnswer};
use crate::collect::plan::Plan;
use crate::collect::record::Record;
use crate::collect::response::Response;
use crate::commands::mapping::Mapped;
use crate::commands::policy::test::results;
use crate::commands::policy::{eval, fixtures, list, show};
use crate::drill::scenario::Scenario;
use crate::error::Error;
use crate::error::report::ErrorReport;
use crate::explain::explanation::Explanation;
use crate::io::config::Config;
use crate::io::output;
use crate::mapping::file::MappingFile;
use crate::model::audit::Audit;
use crate::model::document::Document;
use crate::policy::waivers::WaiverFile;
use crate::report::Report;
use crate::report::checked::Checked;
use crate::schema::published;
use crate::schema::published::Name;

pub(crate) fn print_schema(name: Option<published::Name>) -> Result<u8, Error> {
    let text = match name {
        Some(name) => name.text().to_owned(),
        None => published::Name::ALL.map(|name| name.file().replace(".schema.json", "\n")).concat(),
    };
    output::print(|out| out.write_all(text.as_bytes())).map(|()| 0)
}

/// A published format's schema, generated from its type, under its name.
pub fn generate(name: Name) -> Value {
    let mut schema = of_type(name);
    bound_integers(&mut schema);
    let mut named = Map::new();
    let dialect = schema["$schema"].take();
    named.extend([("$schema".into(), dialect), ("$id".into(), name.id().into())]);
    named.insert("title".into(), name.title().into());
    if let Some(keywords) = schema.as_object_mut() {
        keywords.retain(|keyword, _| keyword != "$schema" && keyword != "title");
        named.append(keywords);
    }
    named.into()
}

/// Adds the ends of each integer's range: a number beyond them is refused, and the schema is what says why.
fn bound_integers(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let (minimum, maximum) = match keywords.get("format").and_then(Value::as_str) {
                Some("uint32") => (0.into(), u32::MAX.into()),
                Some("uint" | "uint64") => (0.into(), u64::MAX.into()),
                Some("int64") => (i64::MIN.into(), i64::MAX.into()),
                _ => (Value::Null, Value::Null),
            };
            if !maximum.is_null() {
                keywords.entry("minimum").or_insert(minimum);
                keywords.entry("maximum").or_insert(maximum);
            }
            keywords.values_mut().for_each(bound_integers);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(bound_integers),
        _ => {}
    }
}

fn of_type(name: Name) -> Value {
    match name {
        Name::Document => schemars::schema_for!(Document).to_value(),
        Name::Report => schemars::schema_for!(Report).to_value(),
        Name::Error => schemars::schema_for!(ErrorReport).to_value(),
        Name::Response => {
            let mut schema = schemars::schema_for!(Response).to_value();
            schema["anyOf"] =
                ["ok", "results", "error", "message", "stragglers"].map(|key| json!({"required": [key]})).into();
            schema
        }
        Name::Fleet => fleet(),
        Name::Plan => schemars::schema_for!(Plan).to_value(),
        Name::Journal => schemars::schema_for!(Record).to_value(),
        Name::Config => schemars::schema_for!(Config).to_value(),
        Name::Scenario => schemars::schema_for!(Scenario).to_value(),
        Name::Waivers => schemars::schema_for!(WaiverFile).to_value(),
        Name::Explanation => schemars::schema_for!(Explanation).to_value(),
        Name::Tests => schemars::schema_for!(results::Results).to_value(),
        Name::Case => schemars::schema_for!(fixtures::Case).to_value(),
        Name::Policies => schemars::schema_for!(list::List).to_value(),
        Name::Policy => schemars::schema_for!(show::PolicyDescription).to_value(),
        Name::Check => schemars::schema_for!(Checked).to_value(),
        Name::Evaluation => schemars::schema_for!(eval::PolicyEvaluation).to_value(),
        Name::Audit => schemars::schema_for!(Audit).to_value(),
        Name::AuditReport => schemars::schema_for!(AuditReport).to_value(),
        Name::History => schemars::schema_for!(History).to_value(),
        Name::Mapping => schemars::schema_for!(MappingFile).to_value(),
        Name::Mapped => schemars::schema_for!(Mapped).to_value(),
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
