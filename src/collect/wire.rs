//! Another wire than the contract's: filters make its requests of the contract's, and the contract's answers of its own.
//! Everything else is as in the contract, and holds for what the filters make.

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
use crate::jq::{limits, runs, session};
use crate::mapping::file::InputForm;
use crate::mapping::item::{MappedRow, MappedTenant};
use crate::mapping::load::{Mapping, Part, RowField};
use crate::mapping::read::{Outcome, Reading, check_target, target};
use crate::mapping::walk::Place;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Purpose, Rollout, Row};
use crate::text::json::key_twice;

/// The variables of each filter: what the call is for, and the tenants that it names.
const VARIABLES: [&str; 2] = ["$purpose", "$tenants"];

/// How often the JSON of an answer may be in memory as values of a filter.
const COPIES: usize = 60;

/// A filter of `[control_plane]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The body of a request.
    Request,
    /// Whether an answer is a success.
    Ok,
    /// What went wrong.
    Error,
    /// What else an answer of the contract may say went wrong.
    Message,
}

impl Setting {
    /// Its key.
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
        let (given, needed) = (filter.types(), self.types());
        if given.is_apart(needed) {
            let problem = format!("the filter gives {given}, but only {needed} can be used");
            return Err(FilterFault::new(0, problem, format!("write a filter that gives {needed}")));
        }
        Ok(filter)
    }

    /// Compiles a filter as a journal keeps it.
    fn recorded(self, text: &str) -> Result<Filter, String> {
        self.compile(text).map_err(|fault| {
            let (line, column) = fault.place(text);
            format!("control_plane/{}, line {line}, column {column}: {}", self.name(), fault.problem)
        })
    }

    /// The one value that a filter of this key gives.
    fn value(self, filter: &Filter, input: &Value, variables: &[Value]) -> Result<Json, String> {
        runs(&format!("[control_plane] {}", self.name()));
        let value = filter.one(input, variables).and_then(|value| value.json());
        let wrong = |problem: String| format!("[control_plane] {}: {problem}", self.name());
        let value = value.map_err(wrong)?;
        let needed = self.types();
        if type_of(&value).is_apart(needed) {
            let shown: String = value.to_string().chars().take(60).collect();
            return Err(wrong(format!("found {shown}, but only {needed} can be used")));
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

/// A call to a control plane of another wire.
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
    Ok([Value::of(&purpose.into())?, Value::of(&json!(tenants))?])
}

/// How answers are read.
#[derive(Debug)]
struct Reader {
    ok: Filter,
    error: Filter,
    /// Absent where `error` is set: it says everything.
    message: Option<Filter>,
    /// Absent: rows are where the contract has them.
    mapping: Option<Arc<Mapping>>,
    /// The plan's target, as a mapping's filters see it.
    target: Json,
}

/// A wire whose filters are compiled.
#[derive(Debug)]
pub struct Wire {
    settings: WireSettings,
    request: Option<Arc<Filter>>,
    /// Absent: answers are the contract's.
    reader: Option<Arc<Reader>>,
}

/// What an answer says in the contract's words.
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
    /// A wire as the first record of a journal keeps it, for a rollout to this target.
    ///
    /// # Errors
    /// In words, where a filter or the mapping cannot be used.
    pub fn new(settings: &WireSettings, rollout: &Rollout) -> Result<Self, String> {
        let request = settings.request.as_deref().map(|text| Setting::Request.recorded(text)).transpose()?;
        let reader = settings.reads_answers().then(|| Reader::new(settings, rollout)).transpose()?;
        Ok(Self { settings: settings.clone(), request: request.map(Arc::new), reader: reader.map(Arc::new) })
    }

    /// As it is kept.
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
    /// In words, where the request filter makes none of one.
    pub(crate) fn requests(&self, calls: Vec<Call>) -> Result<Vec<String>, String> {
        let Some(filter) = self.request.clone() else {
            return Ok(calls.into_iter().map(|call| call.body).collect());
        };
        let bytes = calls.iter().map(|call| call.body.len()).sum();
        let made = session(limits(bytes, COPIES), move || {
            let body = |call: &Call| {
                let input = Value::parse(&call.body)?;
                let body = Setting::Request.value(&filter, &input, &variables(call.purpose, &call.tenants)?)?;
                Ok(body.to_string())
            };
            calls.iter().map(body).collect::<Result<Vec<String>, String>>()
        });
        made.map_err(|failure| Error::from(failure).to_string())
    }

    /// Makes an answer of the contract of an answer to a call; nothing where answers are the contract's.
    pub(crate) fn translate(&self, body: &str, purpose: Purpose, tenants: &[Text]) -> Option<Translated> {
        let reader = self.reader.as_ref()?;
        Some(match check_json(body) {
            Ok(()) => reader.translate(body, purpose, tenants),
            Err(problem) => Translated { text: "{}".into(), problem: Some(problem), ..Translated::default() },
        })
    }
}

/// Whether a text is JSON that says one thing: what jq reads is more than that.
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

impl Reader {
    fn new(settings: &WireSettings, rollout: &Rollout) -> Result<Self, String> {
        let field = |name: &str| format!("if type == \"object\" then .{name} else null end");
        let (usual_error, usual_message) = (field("error"), field("message"));
        let mapping = settings.answer.as_ref().map(|file| mapping(file, Some(rollout))).transpose();
        Ok(Self {
            ok: Setting::Ok.recorded(settings.ok.as_deref().unwrap_or(".ok"))?,
            error: Setting::Error.recorded(settings.error.as_deref().unwrap_or(&usual_error))?,
            message: match settings.error {
                Some(_) => None,
                None => Some(Setting::Message.recorded(&usual_message)?),
            },
            mapping: mapping.map_err(|error| error.to_string())?,
            target: target(rollout),
        })
    }

    fn translate(self: &Arc<Self>, body: &str, purpose: Purpose, tenants: &[Text]) -> Translated {
        let (reader, text, tenants) = (Arc::clone(self), body.to_owned(), tenants.to_vec());
        let said = session(limits(body.len(), COPIES), move || {
            Ok(reader.says(&Value::parse(&text)?, &variables(purpose, &tenants)?))
        });
        let (mut answer, mut problem) = match said {
            Ok(said) => said,
            Err(failure) => (Fields::default(), Some(Error::from(failure).to_string())),
        };
        let mut translated = Translated::default();
        match &self.mapping {
            None => answer.rows = contract_rows(body).map(str::to_owned),
            Some(mapping) => {
                let rows = MappedRows::read(mapping, body, &self.target, purpose);
                // Whoever says that a call failed need not have rows.
                let is_refusal = answer.ok() == Some(false) && rows.rows.is_empty();
                problem = problem.or(rows.problem.filter(|_| !is_refusal));
                answer.rows = Some(format!("[{}]", rows.rows.join(",")));
                (translated.labels, translated.skipped) = (rows.labels, rows.skipped);
            }
        }
        Translated { text: answer.json(), problem, ..translated }
    }

    /// What an answer says of the call as a whole.
    fn says(&self, input: &Value, variables: &[Value]) -> (Fields, Option<String>) {
        let (mut fields, mut problem) = (Fields::default(), None);
        let message = self.message.as_ref().map(|message| (Setting::Message, message));
        for (key, filter) in [(Setting::Ok, &self.ok), (Setting::Error, &self.error)].into_iter().chain(message) {
            match key.value(filter, input, variables) {
                Ok(value) => fields.others.push((key.name(), value)),
                Err(why) => problem = problem.or(Some(why)),
            }
        }
        (fields, problem)
    }
}

/// The fields that are evidence, with those of rows that a mapping of answers reads beyond the contract's, and those of the
/// plan that it compares with.
///
/// # Errors
/// In words, where the mapping cannot be used.
pub(crate) fn evidence_fields(settings: &WireSettings, fields: EvidenceFields) -> Result<EvidenceFields, String> {
    let Some(file) = &settings.answer else { return Ok(fields) };
    let mapping = mapping(file, None).map_err(|error| error.to_string())?;
    let extra = |(field, _): &(RowField, Filter)| match field {
        RowField::Extra(name) => Some(name.clone()),
        _ => None,
    };
    let extra: Vec<Text> = mapping.row.iter().flat_map(|row| &row.fields).filter_map(extra).collect();
    Ok(Mappings { rows: Some(Arc::clone(&mapping)), fleet: Some(mapping) }.fields(&fields).and(extra))
}

/// The fields of an answer of the contract.
#[derive(Default)]
struct Fields {
    others: Vec<(&'static str, Json)>,
    /// As JSON, which stays as it is.
    rows: Option<String>,
}

impl Fields {
    /// Whether it says that the call succeeded.
    fn ok(&self) -> Option<bool> {
        self.others.iter().find(|(name, _)| *name == Setting::Ok.name()).and_then(|(_, value)| value.as_bool())
    }

    fn json(&self) -> String {
        let others = self.others.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let rows = self.rows.iter().map(|rows| format!("\"results\":{rows}"));
        format!("{{{}}}", others.chain(rows).collect::<Vec<_>>().join(","))
    }
}

/// A mapping that can read answers, in a rollout to this target where that is known.
///
/// # Errors
/// [`Error::Usage`] where it cannot, with file, line and column where something in it is wrong.
pub fn mapping(file: &MappingText, rollout: Option<&Rollout>) -> Result<Arc<Mapping>, Error> {
    let mapping = Mapping::parse(&file.name, &file.text)?;
    let name = &mapping.name;
    if mapping.input != InputForm::Json {
        return Err(Error::usage(format!("{name}: an answer is JSON, and this mapping reads another form"), JSON_HELP));
    }
    if !mapping.has(Part::Rows) {
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

/// What a mapping makes of an answer.
#[derive(Default)]
struct MappedRows {
    /// As JSON.
    rows: Vec<String>,
    labels: Vec<(Text, Map<Text>)>,
    skipped: Vec<(String, Text)>,
    problem: Option<String>,
}

impl MappedRows {
    fn read(mapping: &Arc<Mapping>, body: &str, target: &Json, purpose: Purpose) -> Self {
        let part = if purpose == Purpose::Plan && mapping.has(Part::Fleet) { Part::Fleet } else { Part::Rows };
        let reason = mapping.skip_reason(part).cloned().unwrap_or_else(|| Text::from(""));
        let input = Arc::new(Input { name: Text::from("the answer"), bytes: Bytes::Vec(body.as_bytes().to_vec()) });
        // Shared, so that the rows that could be read are kept where another could not.
        let shared: Arc<Mutex<Self>> = Arc::default();
        let each = move |shared: &mut Arc<Mutex<Self>>, place: &Place, outcome| {
            shared.lock().unwrap_or_else(PoisonError::into_inner).add(place, outcome, &reason);
        };
        let reading = Reading { mapping, part, input: &input, target: target.clone() };
        let done = reading.read(Arc::clone(&shared), each);
        let mut rows = std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner));
        rows.problem = done.err().map(|error| error.to_string());
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
