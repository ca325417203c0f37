//! A filter: compiled once, run on many values.

use std::collections::BTreeSet;

use jaq_core::compile::Undefined;
use jaq_core::load::{Arena, Error as LoadError, File, Loader, span};
use jaq_core::{Compiler, Ctx, Vars, unwrap_valr};

use super::fault::FilterFault;
use super::natives::{self, Data};
use super::types::{self, Types};
use super::value::Value;
use super::{check, limits, run_guarded};
use crate::error::Error;
use crate::text::suggest::nearest;

/// A compiled filter.
pub struct Filter {
    text: String,
    program: jaq_core::Filter<Data>,
    variables: BTreeSet<String>,
    types: Types,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("variables", &self.variables).field("types", &self.types).finish_non_exhaustive()
    }
}

impl Filter {
    /// Compiles a filter that may name the variables, such as `$target`. Their values are given in the same order to
    /// [`Filter::run`].
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn compile(text: &str, variables: &[&'static str]) -> Result<Self, FilterFault> {
        check::check_size(text)?;
        let (owned, variables) = (text.to_owned(), variables.to_vec());
        // The parser of jaq is recursive, as deep as the text is nested.
        match run_guarded(limits(0, 0), move || Ok(compile(&owned, &variables))) {
            Ok(compiled) => compiled,
            Err(failure) => {
                let problem = Error::from(failure).to_string();
                Err(FilterFault::new(0, problem, "make the filter simpler"))
            }
        }
    }

    /// Whether it names a variable, such as `$input`, or a key of one, such as `$target.sha`.
    pub fn names_variable(&self, variable: &str) -> bool {
        self.variables.contains(variable)
    }

    /// The keys below a variable that it names, such as `extra` and `extra.digest` of `$target`, each with whether the filter
    /// handles its absence. A key that is empty or ends with a dot stands for any key.
    pub fn keys_named_of<'f>(&'f self, variable: &'f str) -> impl Iterator<Item = (&'f str, bool)> {
        let keys = self.variables.iter().filter_map(move |name| name.strip_prefix(variable)?.strip_prefix('.'));
        keys.map(move |key| (key, self.handles_absence(&format!("{variable}.{key}"))))
    }

    fn handles_absence(&self, name: &str) -> bool {
        let after = self.text.match_indices(name).map(|(at, _)| self.text[at + name.len()..].trim_start());
        let mut tests = after.map(|after| {
            let compared = after.strip_prefix("==").or_else(|| after.strip_prefix("!="));
            after.starts_with("//") || compared.is_some_and(|after| after.trim_start().starts_with("null"))
        });
        tests.any(|is_test| is_test)
    }

    /// The types that its values can have, so far as the text says.
    pub const fn types(&self) -> Types {
        self.types
    }

    /// The values that it gives, at most `max`. To be called in a [`run_guarded`].
    ///
    /// # Errors
    /// The error that the filter raises.
    pub fn run(&self, input: &Value, variables: &[Value], max: usize) -> Result<Vec<Value>, String> {
        let variables = Vars::new(variables.iter().map(|Value(value)| value.clone()));
        let context = Ctx::<Data>::new(&self.program.lut, variables);
        let values = self.program.id.run((context, input.0.clone())).map(unwrap_valr);
        values.take(max).map(|value| value.map(Value).map_err(|error| error.to_string())).collect()
    }

    /// The one value that it gives. To be called in a [`run_guarded`].
    ///
    /// # Errors
    /// Where it gives no value or several, or raises an error.
    pub fn single_value(&self, input: &Value, variables: &[Value]) -> Result<Value, String> {
        let mut values = self.run(input, variables, 2)?.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err("it gives no value, but exactly one is needed".into()),
            (Some(first), Some(second)) => {
                Err(format!("it gives {} and {}, but exactly one value is needed", first.shown(), second.shown()))
            }
        }
    }
}

fn compile(text: &str, variables: &[&'static str]) -> Result<Filter, FilterFault> {
    let arena = Arena::default();
    let file = File { code: text, path: () };
    let modules = Loader::new(natives::defs()).load(&arena, file).map_err(|errors| {
        let error = errors.into_iter().next().map(|(_, error)| error);
        error.map_or_else(|| unknown_fault(text), |error| load_fault(text, error))
    })?;
    // Checked before names are resolved, so that a name that is not allowed is not reported as unknown.
    let term = check::parse(text).ok_or_else(|| unknown_fault(text))?;
    let walk = check::Walk::new(text, &term);
    if let Some(fault) = walk.fault {
        return Err(fault);
    }
    let compiler = Compiler::default().with_funs(natives::funs()).with_global_vars(variables.iter().copied());
    let program = compiler.compile(modules).map_err(|errors| {
        let undefined = errors.into_iter().flat_map(|(_, errors)| errors).next();
        undefined.map_or_else(|| unknown_fault(text), |(name, kind)| undefined_fault(text, name, &kind, variables))
    })?;
    Ok(Filter { text: text.to_owned(), program, variables: walk.variables, types: types::of_term(&term) })
}

/// The fault of a text that is refused for an unknown reason.
fn unknown_fault(text: &str) -> FilterFault {
    FilterFault::new(0, format!("found {text:?}, which is no filter"), "write a jq filter without import and include")
}

fn load_fault(text: &str, error: LoadError<&str>) -> FilterFault {
    let (expected, found) = match error {
        LoadError::Io(modules) => {
            let name = modules.first().map_or("", |(name, _)| *name);
            return FilterFault::new(
                span(text, name).start,
                format!("found the module {name:?}, but modules cannot be loaded"),
                "write out what it defines",
            );
        }
        LoadError::Lex(errors) => errors.into_iter().next().map(|(expected, found)| (expected.as_str(), found)),
        LoadError::Parse(errors) => errors.into_iter().next().map(|(expected, found)| (expected.as_str(), found)),
    }
    .unwrap_or(("term", ""));
    let token = found.split_whitespace().next().unwrap_or_default();
    let shown = if token.is_empty() { "the end of the filter".to_owned() } else { format!("{token:?}") };
    let problem = format!("found {shown}, but {} is needed", expected_in_words(expected));
    FilterFault::new(span(text, found).start, problem, "correct the filter: `jq FILTER FILE` tells the same of it")
}

/// What jaq expects, as a part of a sentence.
fn expected_in_words(expected: &str) -> String {
    match expected {
        "nothing" => "an operator or the end".to_owned(),
        "else or end" => "`else` or `end`".to_owned(),
        words if words.contains(' ') || words.chars().count() > 3 && words.is_ascii() && !words.starts_with('$') => {
            let vowel = words.starts_with(['a', 'e', 'i', 'o']);
            format!("{} {words}", if vowel { "an" } else { "a" })
        }
        token => format!("`{token}`"),
    }
}

fn undefined_fault(text: &str, name: &str, kind: &Undefined, variables: &[&'static str]) -> FilterFault {
    let what = kind.as_str();
    let found = match kind {
        Undefined::Filter(arity) if *arity > 0 => format!("{name}/{arity}"),
        _ => name.to_owned(),
    };
    let help = match kind {
        Undefined::Var if variables.is_empty() => "no variable is known here but those of the filter itself".to_owned(),
        Undefined::Var => nearest(name, variables.iter().copied())
            .map_or_else(|| known(variables), |known| format!("did you mean {known:?}?")),
        Undefined::Filter(_) => {
            let names: Vec<&str> =
                natives::funs().map(|(name, ..)| name).chain(natives::defs().map(|def| def.name)).collect();
            let has_other_arity = names.contains(&name);
            match nearest(name, names.into_iter().filter(|known| natives::refusal(known).is_none())) {
                _ if has_other_arity => format!("jq has `{name}` with another number of arguments"),
                Some(known) => format!("did you mean {known:?}?"),
                None => "a name of jq is needed; a key of the data begins with a dot".to_owned(),
            }
        }
        _ => "write the filter without it".to_owned(),
    };
    FilterFault::new(span(text, name).start, format!("found the {what} `{found}`, which is not known"), help)
}

fn known(variables: &[&'static str]) -> String {
    format!("the variables are {}", variables.join(", "))
}
