//! An archived response (contract section 4.6): what it says of itself, and its rows in one pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::value::RawValue;

use crate::collect::fields::EvidenceFields;
use crate::collect::row::ResponseRow;
use crate::collect::scan::{Labelled, Refused, Rows, Scanner};
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
pub const LISTED: usize = 20;

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

/// Its fields.
const RESPONSE: [&str; 5] = ["ok", "error", "message", "stragglers", "results"];

/// What one pass over a JSON object with evidence found.
pub enum Found {
    /// An archived response.
    Response(Archive, Vec<Anomaly>),
    /// Something with a `format` of ours.
    Format(String),
}

/// One pass over an archived response: its rows go into `grouping`, with the extra `fields` that are evidence.
///
/// # Errors
/// [`Refused`] where it is no response; `schema::explain` says why.
pub fn read(bytes: &[u8], input: &Text, fields: &EvidenceFields, grouping: &mut Grouping) -> Result<Found, Refused> {
    let mut scanner = Scanner::new(bytes);
    let mut archive = Archive::default();
    let mut anomalies = ResponseAnomalies::new(input);
    let mut format = None;
    // Whether a field is a misspelt one is known when all fields are.
    let (mut described, mut others) = (BTreeSet::<&str>::new(), Vec::new());
    scanner.object(|scanner, key| {
        described.extend(RESPONSE.iter().find(|known| **known == key));
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
                anomalies.unknown("/format".into(), "format", None);
            }
            other => {
                scanner.value::<&RawValue>()?;
                others.push(other.to_owned());
            }
        }
        Ok(())
    })?;
    scanner.end()?;
    for field in others {
        let known = misspelt(&field, RESPONSE, |known| described.contains(known));
        anomalies.unknown(format!("/{}", escape_pointer(&field)), &field, known);
    }
    match format {
        Some(format) => Ok(Found::Format(format)),
        None if !described.is_empty() => Ok(Found::Response(archive, anomalies.finish())),
        None => Err(Refused),
    }
}

/// What is remembered of a row's shape.
#[derive(Clone, Copy)]
struct Seen {
    row: RowId,
    /// 0: no unknown field; else which of `ResponseAnomalies::sets`, plus 1.
    unknown: usize,
}

fn read_rows(
    scanner: &mut Scanner<'_>,
    fields: &EvidenceFields,
    anomalies: &mut ResponseAnomalies<'_>,
    grouping: &mut Grouping,
) -> Result<(), Refused> {
    let mut rows: Rows<'_, Seen> = Rows::new();
    let mut last_phase: Option<(Cow<'_, str>, PhaseId)> = None;
    let mut at = 0_u32;
    scanner.array(|scanner| {
        let (Labelled { slug, phase }, seen) = rows.next(scanner, |mut read: ResponseRow<'_>| {
            fields.take(&mut read)?;
            let given = read.given();
            let unknown = read
                .unknown
                .into_keys()
                .map(|field| Unknown { known: given.misspelt(&field), field: field.into_owned() });
            let unknown = unknown.collect();
            Ok(Seen { row: grouping.row(read.row), unknown: anomalies.set(at, unknown) })
        })?;
        anomalies.again(seen.unknown);
        match slug.as_deref().map(str::trim) {
            None | Some("") => anomalies.unattributed(at),
            Some(slug) => {
                let phase = phase.map(|phase| match &last_phase {
                    Some((name, id)) if *name == phase => *id,
                    _ => {
                        let id = grouping.phase(&phase);
                        last_phase = Some((phase, id));
                        id
                    }
                });
                grouping.record_row(slug, seen.row, phase, Origin { call: None, attempt: None, row: at });
            }
        }
        at += 1;
        Ok(())
    })
}

/// A field that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Unknown {
    /// The known field that it misspells, where it does.
    known: Option<&'static str>,
    field: String,
}

/// What is strange about one input.
pub struct ResponseAnomalies<'a> {
    input: &'a Text,
    unattributed: Vec<Anomaly>,
    /// Each field's first pointer, and how often it occurs.
    fields: BTreeMap<Unknown, (String, u64)>,
    /// Sets of unknown fields by number, and how many rows have each.
    sets: BTreeMap<BTreeSet<Unknown>, usize>,
    rows: Vec<u64>,
}

impl<'a> ResponseAnomalies<'a> {
    /// None yet, in the input of that name.
    pub const fn new(input: &'a Text) -> Self {
        Self { input, unattributed: Vec::new(), fields: BTreeMap::new(), sets: BTreeMap::new(), rows: Vec::new() }
    }

    /// A field that the schema does not know, and the known one that it misspells, where it does.
    pub fn unknown(&mut self, pointer: String, field: &str, known: Option<&'static str>) {
        self.fields.entry(Unknown { known, field: field.to_owned() }).or_insert((pointer, 0)).1 += 1;
    }

    /// A row without a slug.
    pub fn unattributed(&mut self, row: u32) {
        if self.unattributed.len() < LISTED {
            self.unattributed.push(self.anomaly(AnomalyKind::UnattributedRow, format!("/results/{row}"), 1));
        } else if let Some(last) = self.unattributed.last_mut() {
            last.more += 1;
        }
    }

    /// A number for the unknown fields of a row; [`ResponseAnomalies::again`] counts each row that has them.
    fn set(&mut self, row: u32, fields: BTreeSet<Unknown>) -> usize {
        if fields.is_empty() {
            return 0;
        }
        for field in &fields {
            let pointer = || format!("/results/{row}/{}", escape_pointer(&field.field));
            self.fields.entry(field.clone()).or_insert_with(|| (pointer(), 0));
        }
        *self.sets.entry(fields).or_insert_with(|| {
            self.rows.push(0);
            self.rows.len()
        })
    }

    fn again(&mut self, set: usize) {
        if let Some(set) = set.checked_sub(1) {
            self.rows[set] += 1;
        }
    }

    /// Everything strange, rows first, then fields by name.
    pub fn finish(mut self) -> Vec<Anomaly> {
        for (fields, set) in std::mem::take(&mut self.sets) {
            for field in fields {
                if let Some((_, count)) = self.fields.get_mut(&field) {
                    *count += self.rows[set - 1];
                }
            }
        }
        let mut anomalies = std::mem::take(&mut self.unattributed);
        let fields = std::mem::take(&mut self.fields).into_iter();
        let (misspelt, unknown) = fields.partition::<Vec<_>, _>(|(field, _)| field.known.is_some());
        for (kind, fields) in [(AnomalyKind::MisspeltField, misspelt), (AnomalyKind::UnknownField, unknown)] {
            let more = fields.len().saturating_sub(LISTED) as u64;
            for (Unknown { known, field }, (pointer, count)) in fields.into_iter().take(LISTED) {
                let (field, known) = (Some(Text::from(field)), known.map(Text::from));
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

/// The same of an archived response whose rows have extra fields that are evidence.
pub fn explain_response(bytes: &[u8], fields: &EvidenceFields) -> Vec<Fault> {
    let mut schema = Name::Response.schema();
    fields.describe(&mut schema);
    explain_by(bytes, Name::Response, &schema, |_| Vec::new())
}
