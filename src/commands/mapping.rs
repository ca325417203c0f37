//! `rollproof mapping`: the mappings there are, and what one reads in an input.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map as Object, Value as Json};

use crate::cli::mapping::{Mapping as Options, MappingCommand, MappingTry};
use crate::cli::policy::ListFormat;
use crate::collect::fields::EvidenceFields;
use crate::collect::inputs::plan_file;
use crate::collect::mapped::Mappings;
use crate::commands::policy::shared::print_json;
use crate::error::Error;
use crate::io::input::Source;
use crate::io::output;
use crate::mapping::bundled;
use crate::mapping::load::{Mapping, Part};
use crate::mapping::read::{Outcome, Reading, check_target, target};
use crate::mapping::walk::Place;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Row, unknown_rollout};
use crate::text::escape::{clipped, for_line, line};
use crate::text::plural::plural;

/// The name and version of what `mapping try` prints.
const FORMAT: &str = "rollproof.mapped/v1";

/// How much of a filter is shown in text, in characters.
const MAX_FILTER: usize = 100;

/// What a mapping reads in an input. Published as `rollproof.mapped/v1`: it may grow by optional keys, no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mapped {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The mapping's name, or its file's.
    mapping: Text,
    /// SHA-256 of its file.
    sha256: Text,
    /// The rows, in order. Absent: the input was read as a fleet.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<MappedRow>>,
    /// The tenants of the fleet, in order. Absent: the input was read as rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<Vec<MappedTenant>>,
    /// The items that are skipped, in order.
    skips: Vec<MappedSkip>,
    /// The filters that gave these values, by their keys in the mapping.
    filters: BTreeMap<String, String>,
}

/// A row, and where it came from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MappedRow {
    /// JSON pointer into the input.
    pointer: String,
    /// The tenant, and the row as a document keeps it.
    row: Object<String, Json>,
}

/// A tenant of a fleet, and where it came from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MappedTenant {
    /// JSON pointer into the input.
    pointer: String,
    /// The tenant.
    slug: String,
    /// Its labels.
    labels: Map<Text>,
}

/// An item that is skipped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MappedSkip {
    /// JSON pointer into the input.
    pointer: String,
    /// Why.
    reason: Text,
}

pub(crate) fn mapping(options: &Options) -> Result<u8, Error> {
    match &options.command {
        MappingCommand::List => list(),
        MappingCommand::Show { mapping } => {
            let mapping = Mapping::load(mapping)?;
            output::print(|out| out.write_all(mapping.text.as_bytes())).map(|()| 0)
        }
        MappingCommand::Try(options) => print(&tried(options)?, options.format),
    }
}

fn list() -> Result<u8, Error> {
    let width = bundled::names().map(str::len).max().unwrap_or_default();
    let titles =
        bundled::names().map(|name| Ok((name, Mapping::parse(name, bundled::text(name).unwrap_or_default())?.title)));
    let titles: Vec<(&str, String)> = titles.collect::<Result<_, Error>>()?;
    output::print(|out| titles.iter().try_for_each(|(name, title)| line!(out, "{name:width$}  {title}"))).map(|()| 0)
}

/// What was read so far.
#[derive(Default)]
struct MappedItems {
    rows: Vec<MappedRow>,
    fleet: Vec<MappedTenant>,
    skips: Vec<MappedSkip>,
}

fn tried(options: &MappingTry) -> Result<Mapped, Error> {
    let mapping = Mapping::load(&options.mapping)?;
    let part = if options.fleet { Part::Fleet } else { Part::Rows };
    let fields = EvidenceFields::default().with_plan(&options.plan_fields)?;
    let fields = Mappings { rows: Some(Arc::clone(&mapping)), fleet: Some(Arc::clone(&mapping)) }.fields(&fields);
    let rollout = match &options.plan {
        None => unknown_rollout(),
        Some(path) => plan_file(&Source::new(path.clone()).read(options.max_input_bytes)?, &fields)?.rollout,
    };
    check_target(&mapping, part, &rollout, options.plan.is_some())?;
    let input = Arc::new(Source::new(options.input.clone()).read(options.max_input_bytes)?);
    let reason = mapping.skip_reason(part).cloned().unwrap_or_else(|| "".into());
    let each = move |found: &mut MappedItems, place: &Place, outcome| {
        let pointer = place.pointer();
        match outcome {
            Outcome::Row(read) => found.rows.push(MappedRow { pointer, row: object(&read.slug, &read.row) }),
            Outcome::Tenant(read) => found.fleet.push(MappedTenant { pointer, slug: read.slug, labels: read.labels }),
            Outcome::Skipped => found.skips.push(MappedSkip { pointer, reason: reason.clone() }),
        }
    };
    let reading = Reading { mapping: &mapping, part, input: &input, target: target(&rollout) };
    let (found, _) = reading.read(MappedItems::default(), each)?;
    Ok(Mapped {
        format: FORMAT,
        mapping: mapping.name.clone(),
        sha256: mapping.sha256.clone(),
        rows: (part == Part::Rows).then_some(found.rows),
        fleet: (part == Part::Fleet).then_some(found.fleet),
        skips: found.skips,
        filters: filters(&mapping, part)?,
    })
}

/// The filters of a part of a mapping, by key.
fn filters(mapping: &Mapping, part: Part) -> Result<BTreeMap<String, String>, Error> {
    let table = match part {
        Part::Rows => "row",
        Part::Fleet => "fleet",
    };
    let file: toml::Table = toml::from_str(&mapping.text).map_err(|error| Error::bug(error.to_string()))?;
    let mut found = BTreeMap::new();
    if let (Some(_), Some(toml::Value::String(index))) = (mapping.index(part), file.get("index")) {
        found.insert("index".to_owned(), index.clone());
    }
    let mut left: Vec<(String, &toml::Value)> =
        file.get(table).map(|value| (String::new(), value)).into_iter().collect();
    while let Some((key, value)) = left.pop() {
        match value {
            toml::Value::Table(below) => {
                let prefix = if key.is_empty() { key } else { format!("{key}.") };
                left.extend(below.iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
            }
            toml::Value::String(filter) if key != "skip_reason" => drop(found.insert(key, filter.clone())),
            _ => {}
        }
    }
    Ok(found)
}

/// A row as an object, the tenant first.
fn object(slug: &str, row: &Row) -> Object<String, Json> {
    let mut object = Object::from_iter([("slug".to_owned(), Json::from(slug))]);
    if let Ok(Json::Object(fields)) = serde_json::to_value(row) {
        object.extend(fields);
    }
    object
}

fn print(mapped: &Mapped, format: ListFormat) -> Result<u8, Error> {
    let text = |out: &mut dyn std::io::Write| {
        for MappedRow { pointer, row } in mapped.rows.iter().flatten() {
            line!(out, "row   {pointer}")?;
            row.iter().try_for_each(|(field, value)| line!(out, "      {field}: {}", for_line(&value.to_string())))?;
        }
        for MappedTenant { pointer, slug, labels } in mapped.fleet.iter().flatten() {
            let labels: Vec<String> = labels.iter().map(|(name, label)| format!(" {name}={label}")).collect();
            line!(out, "tenant {pointer}  {slug}{}", labels.concat())?;
        }
        mapped.skips.iter().try_for_each(|MappedSkip { pointer, reason }| line!(out, "skip  {pointer}  {reason}"))?;
        for (key, filter) in &mapped.filters {
            let filter = filter.split_whitespace().collect::<Vec<_>>().join(" ");
            line!(out, "by    {key}: {}", for_line(&clipped(&filter, MAX_FILTER)))?;
        }
        let read = match (&mapped.rows, &mapped.fleet) {
            (Some(rows), _) => plural(rows.len(), "row"),
            (None, fleet) => plural(fleet.as_ref().map_or(0, Vec::len), "tenant"),
        };
        line!(out, "{read}, {} skipped, by {} (sha256 {})", mapped.skips.len(), mapped.mapping, mapped.sha256)
    };
    match format {
        ListFormat::Json => print_json(mapped),
        ListFormat::Text => output::print(text).map(|()| 0),
    }
}
