//! An archived response (contract section 4.6): what it says of itself, and its rows in one pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::value::RawValue;

use crate::collect::fields::EvidenceFields;
use crate::collect::row::ResponseRow;
use crate::collect::scan::{Refused, Rows, Scanner, SlugAndPhase};
use crate::diagnostic::fault::Fault;
use crate::model::document::cohort::{Grouping, PhaseId, RowId};
use crate::model::document::origins::Origin;
use crate::model::document::text::Text;
use crate::model::document::{Anomaly, AnomalyKind, Archive};
use crate::schema::explain::explain_by;
use crate::schema::published::Name;
use crate::text::json::escape_pointer;
use crate::text::misspelt::misspelt;

/// How many anomalies of a kind are listed; the others are counted.
pub const MAX_LISTED: usize = 20;

/// An archived response of a rollout (contract section 4.6). It may hold fields that are not described here.
// It is never held as a whole: `read` takes one pass over it.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is of use")]
pub struct Response {
    /// Whether the rollout was a success.
    ok: Option<bool>,
    /// Why it was not.
    error: Option<Text>,
    /// Why it was not, in a control plane's other spelling.
    message: Option<Text>,
    /// The stragglers.
    stragglers: Option<Vec<Text>>,
    /// A row a tenant and call.
    results: Option<Vec<ResponseRow<'static>>>,
}

/// The fields of a response.
const RESPONSE_FIELDS: [&str; 5] = ["ok", "error", "message", "stragglers", "results"];

/// What one pass over a JSON object with evidence found.
pub enum ParsedEvidence {
    /// An archived response.
    Response(Archive, Vec<Anomaly>),
    /// A format that rollproof writes, by its name.
    OwnFormat(String),
}

/// One pass over an archived response: its rows go into `grouping`, with the extra `fields` that are evidence.
///
/// # Errors
/// [`Refused`] where it is no response; `schema::explain` says why.
pub fn read(
    bytes: &[u8],
    input: &Text,
    fields: &EvidenceFields,
    grouping: &mut Grouping,
) -> Result<ParsedEvidence, Refused> {
    let mut scanner = Scanner::new(bytes);
    let mut archive = Archive::default();
    let mut anomalies = ResponseAnomalies::new(input);
    let mut format = None;
    // Whether a field is a misspelt one is known when every field is.
    let (mut present, mut unknown) = (BTreeSet::<&str>::new(), Vec::new());
    scanner.object(|scanner, key| {
        present.extend(RESPONSE_FIELDS.iter().find(|known| **known == key));
        match key {
            "ok" => archive.ok = scanner.value()?,
            "error" => archive.error = scanner.value()?,
            "message" => archive.message = scanner.value()?,
            "stragglers" => archive.stragglers = scanner.value()?,
            "results" if scanner.peek() == Some(b'[') => read_rows(scanner, fields, &mut anomalies, grouping)?,
            "results" => scanner.value::<()>()?,
            "format" => {
                let name: Option<String> = serde_json::from_str(scanner.value::<&RawValue>()?.get()).ok();
                format = name.filter(|name| name.starts_with("rollproof."));
                anomalies.add_unknown_field("/format".into(), "format", None);
            }
            other => {
                scanner.value::<&RawValue>()?;
                unknown.push(other.to_owned());
            }
        }
        Ok(())
    })?;
    scanner.expect_end()?;
    for field in unknown {
        let known = misspelt(&field, RESPONSE_FIELDS, |known| present.contains(known));
        anomalies.add_unknown_field(format!("/{}", escape_pointer(&field)), &field, known);
    }
    match format {
        Some(format) => Ok(ParsedEvidence::OwnFormat(format)),
        None if !present.is_empty() => Ok(ParsedEvidence::Response(archive, anomalies.finish())),
        None => Err(Refused),
    }
}

/// What is remembered of rows of one shape.
#[derive(Clone, Copy)]
struct RememberedRow {
    row: RowId,
    /// The number of the set of its unknown fields; 0: it has none.
    unknown_set: usize,
}

fn read_rows(
    scanner: &mut Scanner<'_>,
    fields: &EvidenceFields,
    anomalies: &mut ResponseAnomalies<'_>,
    grouping: &mut Grouping,
) -> Result<(), Refused> {
    let mut rows: Rows<'_, RememberedRow> = Rows::new();
    let mut last_phase: Option<(Cow<'_, str>, PhaseId)> = None;
    let mut at = 0_u32;
    scanner.array(|scanner| {
        let (SlugAndPhase { slug, phase }, remembered) = rows.next(scanner, |mut row: ResponseRow<'_>| {
            fields.move_to_evidence(&mut row)?;
            let present = row.present_fields();
            let unknown = row
                .unknown
                .into_keys()
                .map(|field| UnknownField { misspells: present.misspelt(&field), name: field.into_owned() });
            let unknown = unknown.collect();
            Ok(RememberedRow { row: grouping.row(row.row), unknown_set: anomalies.set_number(at, unknown) })
        })?;
        anomalies.count_row(remembered.unknown_set);
        match slug.as_deref().map(str::trim) {
            None | Some("") => anomalies.add_unattributed_row(at),
            Some(slug) => {
                let phase = phase.map(|phase| match &last_phase {
                    Some((name, id)) if *name == phase => *id,
                    _ => {
                        let id = grouping.phase(&phase);
                        last_phase = Some((phase, id));
                        id
                    }
                });
                grouping.record_row(slug, remembered.row, phase, Origin { call: None, attempt: None, row: at });
            }
        }
        at += 1;
        Ok(())
    })
}

/// A field that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct UnknownField {
    /// The known field that it misspells, where it does.
    misspells: Option<&'static str>,
    name: String,
}

/// The anomalies of one input.
pub struct ResponseAnomalies<'a> {
    input: &'a Text,
    unattributed: Vec<Anomaly>,
    /// Each field's first pointer, and how often it occurs.
    fields: BTreeMap<UnknownField, (String, u64)>,
    /// The numbers of sets of unknown fields, from 1.
    sets: BTreeMap<BTreeSet<UnknownField>, usize>,
    /// How many rows have each set.
    rows_by_set: Vec<u64>,
}

impl<'a> ResponseAnomalies<'a> {
    /// No anomalies yet, in the input of that name.
    pub const fn new(input: &'a Text) -> Self {
        Self {
            input,
            unattributed: Vec::new(),
            fields: BTreeMap::new(),
            sets: BTreeMap::new(),
            rows_by_set: Vec::new(),
        }
    }

    /// Adds a field that the schema does not know, and the known one that it misspells, where it does.
    pub fn add_unknown_field(&mut self, pointer: String, name: &str, misspells: Option<&'static str>) {
        self.fields.entry(UnknownField { misspells, name: name.to_owned() }).or_insert((pointer, 0)).1 += 1;
    }

    /// Adds a row without a slug.
    pub fn add_unattributed_row(&mut self, row: u32) {
        if self.unattributed.len() < MAX_LISTED {
            self.unattributed.push(self.anomaly(AnomalyKind::UnattributedRow, format!("/results/{row}"), 1));
        } else if let Some(last) = self.unattributed.last_mut() {
            last.more += 1;
        }
    }

    /// The number of a set of unknown fields, 0 for the empty one; [`ResponseAnomalies::count_row`] counts each row that has
    /// it.
    fn set_number(&mut self, row: u32, fields: BTreeSet<UnknownField>) -> usize {
        if fields.is_empty() {
            return 0;
        }
        for field in &fields {
            let pointer = || format!("/results/{row}/{}", escape_pointer(&field.name));
            self.fields.entry(field.clone()).or_insert_with(|| (pointer(), 0));
        }
        *self.sets.entry(fields).or_insert_with(|| {
            self.rows_by_set.push(0);
            self.rows_by_set.len()
        })
    }

    fn count_row(&mut self, set: usize) {
        if let Some(set) = set.checked_sub(1) {
            self.rows_by_set[set] += 1;
        }
    }

    /// Every anomaly, rows first, then fields by name.
    pub fn finish(mut self) -> Vec<Anomaly> {
        for (fields, set) in std::mem::take(&mut self.sets) {
            for field in fields {
                if let Some((_, count)) = self.fields.get_mut(&field) {
                    *count += self.rows_by_set[set - 1];
                }
            }
        }
        let mut anomalies = std::mem::take(&mut self.unattributed);
        let fields = std::mem::take(&mut self.fields).into_iter();
        let (misspelt, unknown) = fields.partition::<Vec<_>, _>(|(field, _)| field.misspells.is_some());
        for (kind, fields) in [(AnomalyKind::MisspeltField, misspelt), (AnomalyKind::UnknownField, unknown)] {
            let more = fields.len().saturating_sub(MAX_LISTED) as u64;
            for (UnknownField { misspells, name }, (pointer, count)) in fields.into_iter().take(MAX_LISTED) {
                let (field, known) = (Some(Text::from(name)), misspells.map(Text::from));
                anomalies.push(Anomaly { field, known, ..self.anomaly(kind, pointer, count) });
            }
            if let Some(last) = anomalies.last_mut().filter(|_| more > 0) {
                last.more = more;
            }
        }
        anomalies
    }

    fn anomaly(&self, kind: AnomalyKind, at: String, count: u64) -> Anomaly {
        let (input, at) = (self.input.clone(), Text::from(at));
        Anomaly { kind, input, at, field: None, known: None, tenant: None, reason: None, count, more: 0 }
    }
}

/// What is wrong with an archived response whose rows have extra fields that are evidence.
pub fn explain_response(bytes: &[u8], fields: &EvidenceFields) -> Vec<Fault> {
    let mut schema = Name::Response.schema();
    fields.add_to_schema(&mut schema);
    explain_by(bytes, Name::Response, &schema, |_| Vec::new())
}
