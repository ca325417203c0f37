//! A fleet from a file: a plan call's answer, a JSON array of slugs or of slugs with labels, or one slug a line.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::collect::response::ResponseAnomalies;
use crate::collect::row::{KNOWN, ResponseRow};
use crate::collect::scan::{Plain, Refused, Rows, ScannedRow, Scanner, SlugAndPhase, near_keys};
use crate::diagnostic::fault::{Fault, utf8, without_bom};
use crate::model::document::cohort::{Grouping, LabelsId};
use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{Anomaly, Row};
use crate::text::escape::clipped;
use crate::text::json::{Entries, escape_pointer};
use crate::text::misspelt::misspelt;

/// What a fleet may be: the help for a file that is something else.
pub const FLEET_HELP: &str = "a fleet is the answer to a plan call (a dry run), a JSON array of slugs, a JSON array of \
                         {\"slug\", \"labels\"} objects, or bare slugs, one a line";

/// How much of a line that is no slug is shown, in characters.
const MAX_FOUND: usize = 60;

/// The fields of a plan call's answer.
const ANSWER_FIELDS: [&str; 5] = ["ok", "results", "error", "message", "stragglers"];

/// A plan call's answer (contract section 3). What is somebody's rollout response is none.
#[derive(JsonSchema)]
#[schemars(extend("required" = ["ok", "results"]))]
#[allow(dead_code, reason = "only its schema is of use")]
pub struct PlanAnswer {
    /// Whether the plan call succeeded: an answer that is not `true` enumerates nothing.
    #[schemars(extend("const" = true))]
    ok: bool,
    /// A row a tenant.
    results: Option<Vec<PlanRow>>,
    /// no text (an answer that reports an error enumerates nothing)
    #[serde(default)]
    error: Blank,
    /// no list but an empty one (a plan call leaves nobody behind; this is a rollout's response)
    #[serde(default)]
    stragglers: Option<Vec<Blank>>,
}

/// Text that says nothing.
#[derive(Default)]
struct Blank;

impl JsonSchema for Blank {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Blank".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"],
            "pattern": r"^\s*$",
            "description": "no text (a plan call leaves nobody behind; this is a rollout's response)",
        })
    }
}

struct PlanRow;

impl JsonSchema for PlanRow {
    fn schema_name() -> Cow<'static, str> {
        "PlanRow".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ResponseRow::json_schema(generator);
        schema.insert("description".into(), "A row of a dry run: it enumerates a tenant.".into());
        if let Some(properties) = schema.get_mut("properties").and_then(|properties| properties.as_object_mut()) {
            properties.insert("ssm_status".into(), dry_run_status().to_value());
            properties.insert("verified_on_target".into(), live_only().to_value());
        }
        // Without the status, a row that reports an outcome is a live one.
        let outcomes = OUTCOMES.map(|key| (key.to_owned(), outcome().to_value()));
        schema
            .insert("if".into(), json!({"properties": {"ssm_status": {"type": "string"}}, "required": ["ssm_status"]}));
        schema.insert("else".into(), json!({"properties": serde_json::Map::from_iter(outcomes)}));
        schema
    }
}

fn dry_run_status() -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "pattern": r"^\s*[Dd][Rr][Yy][Rr][Uu][Nn]\s*$",
        "description": "only `DryRun` in upper or lower case (a live row enumerates nobody)",
    })
}

/// Fields that only a live row has, unless its status says that it is of a dry run.
const OUTCOMES: [&str; 4] = ["ssm_exit_code", "healthz_ok", "running_image", "error"];

fn outcome() -> Schema {
    json_schema!({
        "not": {"not": {"type": "null"}},
        "description": "only null (a row with an outcome and without the status `DryRun` is a rollout's, no enumeration)",
    })
}

fn live_only() -> Schema {
    json_schema!({"not": {}, "description": "no value (a row with this key is a live one and enumerates nobody)"})
}

/// A list of tenants.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is of use")]
pub struct FleetList(Vec<FleetItem>);

struct FleetItem;

impl JsonSchema for FleetItem {
    fn schema_name() -> Cow<'static, str> {
        "FleetItem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let labelled = generator.subschema_for::<Tenant>();
        json_schema!({
            "description": "A slug, or a slug with labels.",
            "if": {"type": "object"},
            "then": labelled,
            "else": {"type": "string", "pattern": r"\S", "description": "a slug that is not blank"},
        })
    }
}

/// A tenant with labels.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tenant<'a> {
    /// Its slug.
    #[serde(borrow)]
    #[schemars(with = "String", extend("pattern" = r"\S", "description" = "a slug that is not blank"))]
    slug: Plain<'a>,
    /// What is known of it, such as its tier or its region.
    labels: Option<Map<Text>>,
}

impl<'a> ScannedRow<'a> for Tenant<'a> {
    fn take_slug_and_phase(&mut self) -> SlugAndPhase<'a> {
        SlugAndPhase { slug: Some(std::mem::replace(&mut self.slug.0, Cow::Borrowed(""))), phase: None }
    }
}

/// One pass over a fleet: its tenants are enumerated in `grouping`.
///
/// # Errors
/// [`Refused`] where it is none of the four forms; `schema::explain` says why.
pub fn read(bytes: &[u8], input: &Text, grouping: &mut Grouping) -> Result<Vec<Anomaly>, Refused> {
    let bytes = without_mark(bytes);
    let mut scanner = Scanner::new(bytes);
    let mut anomalies = ResponseAnomalies::new(input);
    match scanner.peek() {
        Some(b'{') => read_answer(&mut scanner, &mut anomalies, grouping)?,
        Some(b'[') => read_list(&mut scanner, grouping)?,
        _ => return read_lines(bytes, grouping).map(|()| Vec::new()),
    }
    scanner.expect_end()?;
    Ok(anomalies.finish())
}

/// A list without the byte-order mark that an editor put before it. The mark stays before an answer, which nobody edits.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    let bare = without_bom(bytes);
    if Scanner::new(bare).peek() == Some(b'{') { bytes } else { bare }
}

fn read_answer(
    scanner: &mut Scanner<'_>,
    anomalies: &mut ResponseAnomalies<'_>,
    grouping: &mut Grouping,
) -> Result<(), Refused> {
    let (mut ok, mut enumerated) = (false, false);
    let (mut present, mut unknown) = (BTreeSet::<&str>::new(), Vec::new());
    scanner.object(|scanner, key| {
        present.extend(ANSWER_FIELDS.iter().find(|known| **known == key));
        match key {
            "ok" => {
                ok = scanner.value()?;
                Ok(())
            }
            "results" => {
                enumerated = true;
                let is_list = scanner.peek() == Some(b'[');
                if is_list { read_rows(scanner, anomalies, grouping) } else { scanner.value::<()>() }
            }
            "error" => scanner.value::<Option<Plain<'_>>>().and_then(|error| check_blank(error.as_ref())),
            "stragglers" => {
                let slugs: Option<Vec<Option<Plain<'_>>>> = scanner.value()?;
                slugs.iter().flatten().try_for_each(|slug| check_blank(slug.as_ref()))
            }
            "message" => scanner.value::<&RawValue>().map(drop),
            other => {
                unknown.push(other.to_owned());
                scanner.value::<&RawValue>().map(drop)
            }
        }
    })?;
    for field in unknown {
        if misspelt(&field, ANSWER_FIELDS, |known| present.contains(known)).is_some() {
            return Err(Refused);
        }
        anomalies.add_unknown_field(format!("/{}", escape_pointer(&field)), &field, None);
    }
    if ok && enumerated { Ok(()) } else { Err(Refused) }
}

/// What is wrong with a plan call's answer that no schema can express, with JSON pointers: keys that are nearly known ones,
/// and that nobody would read.
pub fn answer_faults(text: &str) -> Vec<Fault> {
    let Ok(Entries(entries)) = serde_json::from_str::<Entries<'_>>(text) else { return Vec::new() };
    let keys: BTreeSet<Cow<'_, str>> = entries.iter().map(|(key, _)| key.name()).collect();
    let mut faults = near_keys(&keys, &ANSWER_FIELDS, |known| keys.contains(known), "");
    let results = entries.into_iter().find(|(key, _)| key.name() == "results");
    let rows = results.and_then(|(_, rows)| serde_json::from_str::<Vec<&RawValue>>(rows.get()).ok());
    for (i, row) in rows.iter().flatten().enumerate() {
        if let Ok(row) = serde_json::from_str::<ResponseRow<'_>>(row.get()) {
            let is_given = |known: &str| row.present_fields().has(known);
            faults.extend(near_keys(row.unknown.keys(), &KNOWN, is_given, &format!("/results/{i}")));
        }
    }
    faults
}

fn check_blank(text: Option<&Plain<'_>>) -> Result<(), Refused> {
    if text.is_none_or(|Plain(text)| text.trim().is_empty()) { Ok(()) } else { Err(Refused) }
}

fn read_rows(
    scanner: &mut Scanner<'_>,
    anomalies: &mut ResponseAnomalies<'_>,
    grouping: &mut Grouping,
) -> Result<(), Refused> {
    let mut rows: Rows<'_, ()> = Rows::new();
    let mut at = 0_u32;
    scanner.array(|scanner| {
        let (labelled, ()) = rows.next(scanner, |row: ResponseRow<'_>| {
            let is_misspelt = row.unknown.keys().any(|field| row.present_fields().misspelt(field).is_some());
            if is_enumeration(&row.row) && !is_misspelt { Ok(()) } else { Err(Refused) }
        })?;
        match labelled.slug.as_deref().map(str::trim) {
            None | Some("") => anomalies.add_unattributed_row(at),
            Some(slug) => grouping.enumerate(slug, LabelsId::default()),
        }
        at += 1;
        Ok(())
    })
}

/// Whether a row of a plan call's answer only enumerates a tenant, and reports no outcome.
pub fn is_enumeration(row: &Row) -> bool {
    row.verified_on_target.is_absent()
        && match &row.ssm_status {
            Field::Given(status) => status.trim().eq_ignore_ascii_case("dryrun"),
            Field::Absent | Field::Null => {
                row.ssm_exit_code.given().is_none()
                    && row.healthz_ok.given().is_none()
                    && row.running_image.given().is_none()
                    && row.error.given().is_none()
            }
        }
}

fn read_list(scanner: &mut Scanner<'_>, grouping: &mut Grouping) -> Result<(), Refused> {
    let mut tenants: Rows<'_, LabelsId> = Rows::new();
    scanner.array(|scanner| {
        let (slug, labels) = if scanner.peek() == Some(b'{') {
            let (labelled, labels) =
                tenants.next(scanner, |tenant: Tenant<'_>| Ok(grouping.labels(tenant.labels.unwrap_or_default())))?;
            (labelled.slug.unwrap_or_default(), labels)
        } else if let Some(slug) = scanner.plain_string() {
            (Cow::Borrowed(slug), LabelsId::default())
        } else {
            let Plain(slug) = scanner.value()?;
            (slug, LabelsId::default())
        };
        match slug.trim() {
            "" => Err(Refused),
            slug => {
                grouping.enumerate(slug, labels);
                Ok(())
            }
        }
    })
}

/// The part of a line before a comment. A comment starts with `#` at the line's start or after white space.
fn slug_of_line(line: &str) -> &str {
    let line = line.trim();
    let comment =
        line.char_indices().find(|(i, c)| *c == '#' && line[..*i].chars().last().is_none_or(char::is_whitespace));
    comment.map_or(line, |(i, _)| &line[..i]).trim()
}

/// Whether a character shows that a line is no bare slug but a part of another format.
fn is_foreign(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | ':' | '{' | '}' | '[' | ']' | '<' | '>' | '"' | '\'' | '`')
}

/// Names the format in which a line that is no bare slug is probably written.
fn format_hint(slug: &str) -> &'static str {
    let has = |signs: &[char]| slug.contains(signs);
    if has(&['<', '>']) {
        "is this HTML or XML?"
    } else if has(&['{', '}', '[', ']']) {
        "is this JSON that was cut?"
    } else if slug.starts_with("- ") || (has(&[':']) && !has(&[',', ';'])) {
        "is this YAML?"
    } else if has(&[',', ';', '\t']) {
        "is this CSV?"
    } else if has(&['"', '\'', '`']) {
        "in a list of one slug a line, slugs have no quotes"
    } else {
        "does a line hold more than one slug?"
    }
}

fn read_lines(bytes: &[u8], grouping: &mut Grouping) -> Result<(), Refused> {
    let text = utf8(bytes).map_err(|_| Refused)?;
    for line in text.lines() {
        match slug_of_line(line) {
            "" => {}
            slug if slug.contains(is_foreign) => return Err(Refused),
            slug => grouping.enumerate(slug, LabelsId::default()),
        }
    }
    Ok(())
}

/// What is wrong with a fleet of one slug a line; nothing where it is meant as JSON. A file of another format is wrong in
/// every line, so only the first wrong line is reported.
pub fn text_faults(bytes: &[u8]) -> Option<Vec<Fault>> {
    if matches!(Scanner::new(bytes).peek(), Some(b'{' | b'[')) {
        return None;
    }
    let text = match utf8(bytes) {
        Ok(text) => text,
        Err(fault) => return Some(vec![fault]),
    };
    let mut foreign_lines = text.lines().enumerate().filter(|(_, line)| slug_of_line(line).contains(is_foreign));
    let Some((i, line)) = foreign_lines.next() else { return Some(Vec::new()) };
    let slug = slug_of_line(line);
    let before = line.len() - line.trim_start().len() + slug.find(is_foreign).unwrap_or_default();
    let mut problem = format!("found {:?}, which is no slug: {}", clipped(slug, MAX_FOUND), format_hint(slug));
    match foreign_lines.count() {
        0 => {}
        1 => problem.push_str(" (so is 1 more line)"),
        more => problem.push_str(&format!(" (so are {more} more lines)")),
    }
    let place = Some((i + 1, line[..before].chars().count() + 1));
    Some(vec![Fault { place, ..Fault::whole(problem) }])
}
