//! Another wire than the contract's: filters turn the contract's requests into those of the control plane, and its answers
//! into answers of the contract. Everything else is as in the contract.

pub mod settings;

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::collect::fields::EvidenceFields;
use crate::collect::mapped::Mappings;
use crate::collect::wire::settings::{MappingText, WireSettings};
use crate::error::Error;
use crate::io::input::{Bytes, Input};
use crate::jq::fault::FilterFault;
use crate::jq::filter::Filter;
use crate::jq::types::Types;
use crate::jq::value::Value;
use crate::jq::{limits, run_guarded, set_running};
use crate::mapping::file::InputForm;
use crate::mapping::item::{MappedRow, MappedTenant};
use crate::mapping::load::{Mapping, Part, RowField};
use crate::mapping::read::{Outcome, Reading, check_target, target};
use crate::mapping::walk::Place;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Purpose, Rollout, Row};
use crate::text::json::key_twice;

/// The variables that each filter gets: what the call is for, and the tenants that it names.
const VARIABLES: [&str; 2] = ["$purpose", "$tenants"];

/// How often the JSON of an answer may be in memory as values of a filter.
const COPIES: usize = 60;

/// A key of `[control_plane]` that holds a filter, and `message`, which only the contract's answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKey {
    /// The body of a request.
    Request,
    /// Whether an answer is a success.
    Ok,
    /// What went wrong.
    Error,
    /// What went wrong, in the other field of the contract's answers.
    Message,
}

impl FilterKey {
    /// The name of the key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Message => "message",
        }
    }

    /// The types that its value may have.
    const fn types(self) -> Types {
        match self {
            Self::Request => Types::OBJECT.or(Types::ARRAY),
            Self::Ok => Types::BOOLEAN.or(Types::NULL),
            Self::Error | Self::Message => Types::STRING.or(Types::NULL),
        }
    }

    /// Compiles a filter of this key.
    ///
    /// # Errors
    /// What is wrong with it. One whose value can never be used is refused too.
    pub fn compile(self, text: &str) -> Result<Filter, FilterFault> {
        let filter = Filter::compile(text, &VARIABLES)?;
        let (possible, needed) = (filter.types(), self.types());
        if possible.is_apart(needed) {
            let problem = format!("the filter gives {possible}, but only {needed} can be used");
            return Err(FilterFault::new(0, problem, format!("write a filter that gives {needed}")));
        }
        Ok(filter)
    }

    /// Compiles a filter that a journal keeps.
    fn compile_recorded(self, text: &str) -> Result<Filter, String> {
        self.compile(text).map_err(|fault| {
            let (line, column) = fault.place(text);
            format!("control_plane/{}, line {line}, column {column}: {}", self.name(), fault.problem)
        })
    }

    /// Evaluates a filter of this key, which gives one value.
    fn evaluate(self, filter: &Filter, input: &Value, variables: &[Value]) -> Result<Json, String> {
        set_running(&format!("[control_plane] {}", self.name()));
        let value = filter.single_value(input, variables).and_then(|value| value.json());
        let in_setting = |problem: String| format!("[control_plane] {}: {problem}", self.name());
        let value = value.map_err(in_setting)?;
        let needed = self.types();
        if type_of(&value).is_apart(needed) {
            let shown: String = value.to_string().chars().take(60).collect();
            return Err(in_setting(format!("found {shown}, but only {needed} can be used")));
        }
        Ok(value)
    }
}

fn type_of(value: &Json) -> Types {
    match value {
        Json::Null => Types::NULL,
        Json::Bool(_) => Types::BOOLEAN,
        Json::Number(_) => Types::NUMBER,
        Json::String(_) => Types::STRING,
        Json::Array(_) => Types::ARRAY,
        Json::Object(_) => Types::OBJECT,
    }
}

/// A call of the contract, for a control plane of another wire.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Its body in the contract's words.
    pub(crate) body: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The tenants that it names.
    pub(crate) tenants: Vec<Text>,
}

/// The values of [`VARIABLES`].
fn variables(purpose: Purpose, tenants: &[Text]) -> Result<[Value; 2], String> {
    let purpose = match purpose {
        Purpose::Plan => "plan",
        Purpose::Canary => "canary",
        Purpose::Batch => "batch",
    };
    Ok([Value::from_json(&purpose.into())?, Value::from_json(&json!(tenants))?])
}

/// Reads answers.
#[derive(Debug)]
struct AnswerReader {
    ok: Filter,
    error: Filter,
    /// Absent where `error` is set: the filter of that key reads everything that went wrong.
    message: Option<Filter>,
    /// Reads the rows. Absent: rows are where the contract has them.
    mapping: Option<Arc<Mapping>>,
    /// The plan's target, as the filters of a mapping get it.
    target: Json,
}

/// How a control plane is called and its answers are read, with compiled filters.
#[derive(Debug)]
pub struct Wire {
    settings: WireSettings,
    request: Option<Arc<Filter>>,
    /// Absent: answers are the contract's.
    reader: Option<Arc<AnswerReader>>,
}

/// An answer that was turned into one of the contract.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    /// An answer of the contract, as far as one could be made.
    pub(crate) text: String,
    /// What could not be translated. Such an answer is malformed.
    pub(crate) problem: Option<String>,
    /// The labels of tenants that it enumerates.
    pub(crate) labels: Vec<(Text, Map<Text>)>,
    /// JSON pointers of items that are no tenants, and why.
    pub(crate) skipped: Vec<(String, Text)>,
}

impl Wire {
    /// Compiles the settings that the first record of a journal keeps, for a rollout to this target.
    ///
    /// # Errors
    /// In words, where a filter or the mapping cannot be used.
    pub fn new(settings: &WireSettings, rollout: &Rollout) -> Result<Self, String> {
        let request = settings.request.as_deref().map(|text| FilterKey::Request.compile_recorded(text)).transpose()?;
        let reader = settings.reads_answers().then(|| AnswerReader::new(settings, rollout)).transpose()?;
        Ok(Self { settings: settings.clone(), request: request.map(Arc::new), reader: reader.map(Arc::new) })
    }

    /// The settings, as a journal keeps them.
    pub const fn settings(&self) -> &WireSettings {
        &self.settings
    }

    /// The mapping that makes rows of answers.
    pub(crate) fn mapping(&self) -> Option<&Mapping> {
        self.reader.as_ref()?.mapping.as_deref()
    }

    /// Whether answers to the plan call give labels to tenants.
    pub(crate) fn gives_labels(&self) -> bool {
        self.mapping().and_then(|mapping| mapping.fleet.as_ref()).is_some_and(|fleet| fleet.labels.is_some())
    }

    /// The bodies of calls, in order.
    ///
    /// # Errors
    /// In words, where the request filter makes no body of a call.
    pub(crate) fn request_bodies(&self, calls: Vec<Call>) -> Result<Vec<String>, String> {
        let Some(filter) = self.request.clone() else {
            return Ok(calls.into_iter().map(|call| call.body).collect());
        };
        let bytes = calls.iter().map(|call| call.body.len()).sum();
        let bodies = run_guarded(limits(bytes, COPIES), move || {
            let body = |call: &Call| {
                let input = Value::parse(&call.body)?;
                let body = FilterKey::Request.evaluate(&filter, &input, &variables(call.purpose, &call.tenants)?)?;
                Ok(body.to_string())
            };
            calls.iter().map(body).collect::<Result<Vec<String>, String>>()
        });
        bodies.map_err(|failure| Error::from(failure).to_string())
    }

    /// Turns an answer to a call into one of the contract; nothing where answers are the contract's already.
    pub(crate) fn translate(&self, body: &str, purpose: Purpose, tenants: &[Text]) -> Option<Translated> {
        let reader = self.reader.as_ref()?;
        Some(match check_json(body) {
            Ok(()) => reader.translate(body, purpose, tenants),
            Err(problem) => Translated { text: "{}".into(), problem: Some(problem), ..Translated::default() },
        })
    }
}

/// Refuses what is no JSON, and objects with a key twice, which jq would read.
fn check_json(text: &str) -> Result<(), String> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| format!("the answer is no JSON: {error}"))?;
    let twice = |key| format!("the answer has the key {key} twice in one object");
    key_twice(text).map_or(Ok(()), |key| Err(twice(key)))
}

/// The rows of an answer that has them where the contract does.
fn contract_rows(answer: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Rows<'a> {
        #[serde(default, borrow)]
        results: Option<&'a RawValue>,
    }
    let is_object = answer.trim_start().starts_with('{');
    let read = is_object.then(|| serde_json::from_str::<Rows<'_>>(answer).ok()).flatten()?;
    read.results.map(RawValue::get)
}

impl AnswerReader {
    fn new(settings: &WireSettings, rollout: &Rollout) -> Result<Self, String> {
        let field = |name: &str| format!("if type == \"object\" then .{name} else null end");
        let (usual_error, usual_message) = (field("error"), field("message"));
        let mapping = settings.answer.as_ref().map(|file| answer_mapping(file, Some(rollout))).transpose();
        Ok(Self {
            ok: FilterKey::Ok.compile_recorded(settings.ok.as_deref().unwrap_or(".ok"))?,
            error: FilterKey::Error.compile_recorded(settings.error.as_deref().unwrap_or(&usual_error))?,
            message: match settings.error {
                Some(_) => None,
                None => Some(FilterKey::Message.compile_recorded(&usual_message)?),
            },
            mapping: mapping.map_err(|error| error.to_string())?,
            target: target(rollout),
        })
    }

    fn translate(self: &Arc<Self>, body: &str, purpose: Purpose, tenants: &[Text]) -> Translated {
        let (reader, text, tenants) = (Arc::clone(self), body.to_owned(), tenants.to_vec());
        let result = run_guarded(limits(body.len(), COPIES), move || {
            Ok(reader.read_fields(&Value::parse(&text)?, &variables(purpose, &tenants)?))
        });
        let (mut answer, mut problem) = match result {
            Ok(fields) => fields,
            Err(failure) => (AnswerFields::default(), Some(Error::from(failure).to_string())),
        };
        let mut translated = Translated::default();
        match &self.mapping {
            None => answer.rows = contract_rows(body).map(str::to_owned),
            Some(mapping) => {
                let rows = MappedRows::read(mapping, body, &self.target, purpose);
                // An answer that says that the call failed needs no rows.
                let is_refusal = answer.ok() == Some(false) && rows.rows.is_empty();
                problem = problem.or(rows.problem.filter(|_| !is_refusal));
                answer.rows = Some(format!("[{}]", rows.rows.join(",")));
                (translated.labels, translated.skipped) = (rows.labels, rows.skipped);
            }
        }
        Translated { text: answer.json(), problem, ..translated }
    }

    /// Reads what an answer says of the call as a whole.
    fn read_fields(&self, input: &Value, variables: &[Value]) -> (AnswerFields, Option<String>) {
        let (mut fields, mut problem) = (AnswerFields::default(), None);
        let message = self.message.as_ref().map(|message| (FilterKey::Message, message));
        for (key, filter) in [(FilterKey::Ok, &self.ok), (FilterKey::Error, &self.error)].into_iter().chain(message) {
            match key.evaluate(filter, input, variables) {
                Ok(value) => fields.values.push((key.name(), value)),
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        (fields, problem)
    }
}

/// The fields that are evidence: those of `fields`, the fields of rows that a mapping of answers reads beyond the contract's,
/// and the fields of the plan that it compares with.
///
/// # Errors
/// In words, where the mapping cannot be used.
pub(crate) fn evidence_fields(settings: &WireSettings, fields: EvidenceFields) -> Result<EvidenceFields, String> {
    let Some(file) = &settings.answer else { return Ok(fields) };
    let mapping = answer_mapping(file, None).map_err(|error| error.to_string())?;
    let extra = |(field, _): &(RowField, Filter)| match field {
        RowField::Extra(name) => Some(name.clone()),
        _ => None,
    };
    let extra: Vec<Text> = mapping.row.iter().flat_map(|row| &row.fields).filter_map(extra).collect();
    Ok(Mappings { rows: Some(Arc::clone(&mapping)), fleet: Some(mapping) }.fields(&fields).and_row_fields(extra))
}

/// The fields of an answer of the contract.
#[derive(Default)]
struct AnswerFields {
    values: Vec<(&'static str, Json)>,
    /// As JSON text.
    rows: Option<String>,
}

impl AnswerFields {
    /// Whether it says that the call succeeded.
    fn ok(&self) -> Option<bool> {
        self.values.iter().find(|(name, _)| *name == FilterKey::Ok.name()).and_then(|(_, value)| value.as_bool())
    }

    fn json(&self) -> String {
        let values = self.values.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let rows = self.rows.iter().map(|rows| format!("\"results\":{rows}"));
        format!("{{{}}}", values.chain(rows).collect::<Vec<_>>().join(","))
    }
}

/// Parses a mapping that reads answers, in a rollout to this target where that is known.
///
/// # Errors
/// [`Error::Usage`] where it cannot, with file, line and column where something in it is wrong.
pub fn answer_mapping(file: &MappingText, rollout: Option<&Rollout>) -> Result<Arc<Mapping>, Error> {
    let mapping = Mapping::parse(&file.name, &file.text)?;
    let name = &mapping.name;
    if mapping.input != InputForm::Json {
        return Err(Error::usage(format!("{name}: an answer is JSON, and this mapping reads another form"), JSON_HELP));
    }
    if !mapping.has_part(Part::Rows) {
        let help = "say in [row] how a row is read; [fleet] reads the answer to the plan call alone";
        return Err(Error::usage(format!("{name}: an answer has rows, and this mapping has no [row]"), help));
    }
    if let Some(rollout) = rollout {
        for part in [Part::Rows, Part::Fleet] {
            check_target(&mapping, part, rollout, true)?;
        }
    }
    Ok(Arc::new(mapping))
}

const JSON_HELP: &str = "write input = \"json\"";

/// The rows that a mapping makes of an answer.
#[derive(Default)]
struct MappedRows {
    /// As JSON texts.
    rows: Vec<String>,
    labels: Vec<(Text, Map<Text>)>,
    skipped: Vec<(String, Text)>,
    problem: Option<String>,
}

impl MappedRows {
    fn read(mapping: &Arc<Mapping>, body: &str, target: &Json, purpose: Purpose) -> Self {
        let part = if purpose == Purpose::Plan && mapping.has_part(Part::Fleet) { Part::Fleet } else { Part::Rows };
        let reason = mapping.skip_reason(part).cloned().unwrap_or_else(|| Text::from(""));
        let input = Arc::new(Input { name: Text::from("the answer"), bytes: Bytes::Vec(body.as_bytes().to_vec()) });
        // Shared, so that rows that could be read are kept after one that could not.
        let shared: Arc<Mutex<Self>> = Arc::default();
        let each = move |shared: &mut Arc<Mutex<Self>>, place: &Place, outcome| {
            shared.lock().unwrap_or_else(PoisonError::into_inner).add(place, outcome, &reason);
        };
        let reading = Reading { mapping, part, input: &input, target: target.clone() };
        let result = reading.read(Arc::clone(&shared), each);
        let mut rows = std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner));
        rows.problem = result.err().map(|error| error.to_string());
        rows
    }

    fn add(&mut self, place: &Place, outcome: Outcome, reason: &Text) {
        match outcome {
            Outcome::Row(MappedRow { slug, row }) => {
                let extra = row.extra.iter().map(|(name, value)| (name.to_string(), json!(value)));
                let mut fields = json!(Row { extra: Map::default(), ..row.clone() });
                if let Some(fields) = fields.as_object_mut() {
                    fields.extend(extra.chain([("slug".to_owned(), slug.into())]));
                }
                self.rows.push(fields.to_string());
            }
            Outcome::Tenant(MappedTenant { slug, labels }) => {
                self.rows.push(json!({"slug": slug}).to_string());
                if !labels.is_empty() {
                    self.labels.push((Text::from(slug), labels));
                }
            }
            Outcome::Skipped => self.skipped.push((place.pointer(), reason.clone())),
        }
    }
}
