//! Reads an input by a mapping: every item becomes a row, a tenant or a skip, on a guarded thread.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::diagnostic::fault::{Fault, MAX_FAULTS, fault_at};
use crate::error::Error;
use crate::io::input::Input;
use crate::jq::value::Value;
use crate::jq::{limits, run_guarded, set_running};
use crate::mapping::file::InputForm;
use crate::mapping::input;
use crate::mapping::item::{FilterError, FilterInput, MappedRow, MappedTenant};
use crate::mapping::load::{Mapping, Part};
use crate::mapping::walk::{Place, Stop, walk};
use crate::model::document::Rollout;
use crate::model::document::mapping::ItemRun;
use crate::model::document::text::Text;
use crate::rego::guard::Failure;

/// How many times its own size the items of an input may take in memory.
const COPIES: usize = 4;

/// The same where a filter names the whole input: a tree of values is larger than its text.
const COPIES_AS_TREE: usize = 40;

/// What an item is read as.
pub(crate) enum Outcome {
    Row(MappedRow),
    Tenant(MappedTenant),
    Skipped,
}

/// The value of `$target`: the target of the plan.
pub(crate) fn target(rollout: &Rollout) -> Json {
    let extra = &rollout.extra;
    json!({
        "tag": rollout.target_tag,
        "sha": rollout.target_sha,
        "image": extra.get(&Text::from("image")),
        "extra": extra,
    })
}

/// Refuses a mapping whose filters need something of the target that the plan does not give.
///
/// # Errors
/// [`Error::Usage`] with what the plan does not give.
pub(crate) fn check_target(mapping: &Mapping, part: Part, rollout: &Rollout, has_plan: bool) -> Result<(), Error> {
    let filters = mapping.filters(part);
    let name = &mapping.name;
    if !has_plan && filters.iter().any(|filter| filter.names_variable("$target")) {
        let problem = format!("the mapping {name} compares with $target, and there is no plan that says what that is");
        return Err(Error::usage(problem, "give the rollout plan with --plan"));
    }
    let known = target(rollout);
    let keys =
        filters.iter().flat_map(|filter| filter.keys_named_of("$target")).filter(|(_, says_absent)| !says_absent);
    // An absent value of the target would equal one that is absent in an item.
    let is_unknown = |key: &&str| known.pointer(&format!("/{}", key.replace('.', "/"))).is_none_or(Json::is_null);
    let keys: Vec<&str> = keys.map(|(key, _)| key).collect();
    if let Some(key) = keys.iter().find(|key| key.is_empty() || key.ends_with('.')) {
        let whole = format!("$target.{key}");
        let problem =
            format!("the mapping {name} uses {} without a key that stands there", whole.trim_end_matches('.'));
        return Err(Error::usage(
            problem,
            "name the key, such as $target.tag, so that it is known before anything is read",
        ));
    }
    if let Some(key) = keys.into_iter().find(is_unknown).filter(|_| has_plan) {
        let plain = key.rsplit('.').next().unwrap_or(key);
        let problem = format!("the mapping {name} compares with $target.{key}, and the plan has no {plain}");
        let help = "add it to the plan (below extra, name it with --plan-field), or say what holds without it, as in \
                    `$target.image == null or ...`";
        return Err(Error::usage(problem, help));
    }
    Ok(())
}

/// The pointer of an item, and what is wrong with it.
type ItemError = (String, FilterError);

/// The result of reading an input.
struct ReadItems<S> {
    state: S,
    runs: Vec<ItemRun>,
    faults: Vec<ItemError>,
}

/// A mapping, and the input that it reads.
pub(crate) struct Reading<'a> {
    pub(crate) mapping: &'a Arc<Mapping>,
    pub(crate) part: Part,
    pub(crate) input: &'a Arc<Input>,
    /// As [`target`] gives it.
    pub(crate) target: Json,
}

impl Reading<'_> {
    /// Reads the input: `each` gets every item's place and what it is read as, with the state. Gives the state and where
    /// the items are.
    ///
    /// # Errors
    /// [`Error::Usage`] where the mapping has no such part; [`Error::Evidence`] where the input cannot be read, or a
    /// filter gives what does not fit.
    pub(crate) fn read<S: Send + 'static>(
        self,
        state: S,
        each: impl FnMut(&mut S, &Place, Outcome) + Send + 'static,
    ) -> Result<(S, Vec<ItemRun>), Error> {
        let Self { mapping, part, input, target } = self;
        if !mapping.has_part(part) {
            return Err(missing_part(mapping, part));
        }
        let filters = mapping.filters(part);
        let names = |variable: &str| filters.iter().any(|filter| filter.names_variable(variable));
        let needed = NeededVariables { input: names("$input") || mapping.index(part).is_some(), path: names("$path") };
        let limits = limits(input.bytes.len(), if needed.input { COPIES_AS_TREE } else { COPIES });
        let job = Job { mapping: Arc::clone(mapping), part, input: Arc::clone(input), target, needed };
        let items = run_guarded(limits, move || Ok(job.run(state, each)));
        let items = items.map_err(|failure| limit_error(failure, mapping, input))?;
        let refused = |faults| Error::Evidence { input: input.name.to_string(), faults };
        let ReadItems { state, runs, faults } = items.map_err(|fault| refused(vec![fault]))?;
        if faults.is_empty() {
            return Ok((state, runs));
        }
        Err(refused(faults.into_iter().map(|error| item_fault(mapping, input, error)).collect()))
    }
}

fn missing_part(mapping: &Mapping, part: Part) -> Error {
    let (table, what) = match part {
        Part::Rows => ("[row]", "rows"),
        Part::Fleet => ("[fleet]", "a fleet"),
    };
    let problem = format!("the mapping {} has no {table}, so it reads no {what}", mapping.name);
    Error::usage(problem, "`rollproof mapping list` names mappings, and what each reads")
}

fn limit_error(failure: Failure, mapping: &Mapping, input: &Input) -> Error {
    match failure {
        Failure::Policy(problem) => {
            let problem = format!("the mapping {}: {problem}", mapping.name);
            let help = "a filter that names $input or $index holds the whole input in memory, and one may never end: make it simpler";
            Error::Evidence { input: input.name.to_string(), faults: vec![Fault::whole(problem).help(help)] }
        }
        other => other.into(),
    }
}

fn item_fault(mapping: &Mapping, input: &Input, error: ItemError) -> Fault {
    let (pointer, FilterError { filter, problem }) = error;
    let problem = format!("the filter {filter} of the mapping {}: {problem}", mapping.name);
    let fault = match mapping.input {
        InputForm::Json => fault_at(&input.bytes, &pointer, problem),
        InputForm::Jsonl | InputForm::Csv | InputForm::Yaml => {
            Fault { pointer: Some(pointer), ..Fault::whole(problem) }
        }
    };
    fault.help("correct the mapping or the evidence; `rollproof mapping try` shows what each filter gives")
}

/// Which of the costly variables are built: only those that a filter names.
#[derive(Debug, Clone, Copy)]
struct NeededVariables {
    input: bool,
    path: bool,
}

/// Everything that the guarded thread needs to read an input.
struct Job {
    mapping: Arc<Mapping>,
    part: Part,
    input: Arc<Input>,
    target: Json,
    needed: NeededVariables,
}

impl Job {
    fn run<S>(&self, mut state: S, mut each: impl FnMut(&mut S, &Place, Outcome)) -> Result<ReadItems<S>, Fault> {
        let text = input::json(&self.input.bytes, self.mapping.input)?;
        let root = input::value(&text)?;
        let too_deep = |problem: String| Fault { pointer: Some(String::new()), ..Fault::whole(problem) };
        let whole = if self.needed.input { Value::parse(root).map_err(too_deep)? } else { Value::default() };
        let target = Value::from_json(&self.target).map_err(too_deep)?;
        let index = match self.index(&whole, &target) {
            Ok(index) => index,
            Err(problem) => {
                let error = FilterError { filter: "index".into(), problem };
                return Ok(ReadItems { state, runs: Vec::new(), faults: vec![(String::new(), error)] });
            }
        };
        let items = match self.part {
            Part::Rows => self.mapping.row.as_ref().map(|row| &row.items),
            Part::Fleet => self.mapping.fleet.as_ref().map(|fleet| &fleet.items),
        };
        let paths = items.map_or(&[][..], |items| &items.paths);
        let mut faults: Vec<ItemError> = Vec::new();
        let walked = walk(root, paths, |place, item| {
            let path =
                if self.needed.path { Value::from_json(&place.path()).unwrap_or_default() } else { Value::default() };
            let variables = [whole.clone(), path, target.clone(), index.clone()];
            match Value::parse(item)
                .map_err(|problem| FilterError { filter: "items".into(), problem })
                .and_then(|item| self.item(&FilterInput { item: &item, variables: self.mapping.visible(&variables) }))
            {
                Ok(outcome) => each(&mut state, place, outcome),
                Err(error) => faults.push((place.pointer(), error)),
            }
            if faults.len() < MAX_FAULTS { Ok(()) } else { Err(Stop::Enough) }
        });
        match walked {
            Ok(runs) => Ok(ReadItems { state, runs, faults }),
            Err(Stop::Enough) => Ok(ReadItems { state, runs: Vec::new(), faults }),
            Err(Stop::BadPath(pointer, problem)) => {
                faults.push((pointer, FilterError { filter: "items".into(), problem }));
                Ok(ReadItems { state, runs: Vec::new(), faults })
            }
        }
    }

    /// The value of `$index`.
    fn index(&self, whole: &Value, target: &Value) -> Result<Value, String> {
        let Some(filter) = self.mapping.index(self.part) else { return Ok(Value::default()) };
        set_running("index");
        filter.single_value(whole, &[whole.clone(), target.clone()])
    }

    fn item(&self, filter_input: &FilterInput<'_>) -> Result<Outcome, FilterError> {
        match (self.part, &self.mapping.row, &self.mapping.fleet) {
            (Part::Rows, Some(row), _) if !filter_input.is_skipped(&row.items)? => {
                filter_input.row(row).map(Outcome::Row)
            }
            (Part::Fleet, _, Some(fleet)) if !filter_input.is_skipped(&fleet.items)? => {
                filter_input.tenant(fleet).map(Outcome::Tenant)
            }
            _ => Ok(Outcome::Skipped),
        }
    }
}
