//! Reads the variables of a CI job (contract section 2), trimmed. A blank one counts as not set, and one whose name is misspelt
//! is refused, because nobody would read it.

use std::time::Duration;

use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::model::commit::is_sha;
use crate::text::misspelt::misspelt;
use crate::text::switch::{ON, YES, switch, words};
use crate::time;

/// What is wrong with an environment, collected so that all of it is reported at once.
#[derive(Debug, Default)]
pub struct EnvironmentFaults(Vec<Fault>);

impl EnvironmentFaults {
    /// The value of a result; of a failed one nothing, and its error is kept.
    pub fn keep_error<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Error::Environment { faults, .. }) => {
                self.0.extend(faults);
                None
            }
            Err(error) => {
                let help = error.help().map(str::to_owned);
                self.0.push(Fault { help, ..Fault::whole(error.to_string()) });
                None
            }
        }
    }

    /// Both values.
    ///
    /// # Errors
    /// What is wrong with either of them, or with both.
    pub fn combine<A, B>(one: Result<A, Error>, other: Result<B, Error>) -> Result<(A, B), Error> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => Err(error),
            (one, other) => {
                let mut faults = Self::default();
                faults.keep_error(one);
                faults.keep_error(other);
                Err(Error::environment(faults.0))
            }
        }
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// [`Error::Environment`] where something is wrong.
    pub fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::environment(self.0)) }
    }
}

/// Refuses variables that nobody reads because their names are misspelt. Their values are never shown: one may be a token.
///
/// # Errors
/// [`Error::Environment`] with each such name and the one that was meant.
pub fn refuse_misspelt(known: &[String]) -> Result<(), Error> {
    let mut names: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let is_set = |name: &str| names.iter().any(|set| set == name);
    let meant = |name: &String| Some((name.clone(), misspelt(name, known.iter().map(String::as_str), is_set)?));
    let mut faults = EnvironmentFaults::default();
    for (name, meant) in names.iter().filter_map(meant) {
        let problem = format!("{name:?} is set, which nobody reads: did you mean {meant}?");
        faults.0.push(Fault::whole(problem).help(format!("name it {meant}, or unset it")));
    }
    faults.end()
}

/// Colours standard output and standard error where `FORCE_COLOR` is set, as for `CLICOLOR_FORCE`, unless `NO_COLOR` is set.
pub fn force_color() {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    if is_set("FORCE_COLOR") && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        anstream::ColorChoice::Always.write_global();
    }
}

/// A variable's value; none where it is not set or blank.
///
/// # Errors
/// [`Error::Usage`] where it is no text.
pub fn nonblank_var(name: &str) -> Result<Option<String>, Error> {
    Ok(var(name)?.filter(|value| !value.is_empty()))
}

/// A variable's value, blank or not; none where it is not set.
///
/// # Errors
/// [`Error::Usage`] where it is no text.
pub fn var(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::usage(format!("{name} is not UTF-8"), "set it to text in UTF-8"))
        }
    }
}

/// The value of a variable that has to be set. `what` describes it.
///
/// # Errors
/// [`Error::Usage`] where it is not set, blank or no text.
pub fn required(name: &str, what: &str) -> Result<String, Error> {
    nonblank_var(name)?.ok_or_else(|| Error::usage(format!("{name} is not set"), format!("it is {what}")))
}

/// The value of a kill switch variable if it arms the switch; none if it is off or not set.
///
/// # Errors
/// [`Error::Usage`] with the variable, its value and the known words, where the value is no known word.
pub fn armed(name: &str) -> Result<Option<String>, Error> {
    let Some(word) = nonblank_var(name)? else { return Ok(None) };
    match switch(&word) {
        Some(is_armed) => Ok(is_armed.then_some(word)),
        None => Err(unknown_word(name, &word, &ON)),
    }
}

/// Whether a variable that asks for something is set to a word for yes.
///
/// # Errors
/// [`Error::Usage`] for a word that means neither yes nor no, and for `disabled` and `disable`, which arm the kill switch
/// and would here mean the opposite.
pub fn flag(name: &str) -> Result<bool, Error> {
    let Some(word) = nonblank_var(name)? else { return Ok(false) };
    let is_yes = YES.iter().any(|yes| word.eq_ignore_ascii_case(yes));
    if switch(&word) == Some(true) && !is_yes {
        let problem = format!("{name}: got {word:?}, which arms the kill switch but would turn this option on");
        return Err(Error::usage(problem, format!("set it to a word {}", words(YES))));
    }
    switch(&word).ok_or_else(|| unknown_word(name, &word, YES))
}

fn unknown_word(name: &str, word: &str, on: &[&str]) -> Error {
    let problem = format!("{name}: got {word:?}, which is no word for on or off");
    Error::usage(problem, format!("set it to a word {}", words(on)))
}

/// A whole number of at least `minimum`; `default` where the variable says nothing.
///
/// # Errors
/// [`Error::Usage`] with the variable's name, what it got and the minimum.
pub fn whole_number(name: &str, minimum: u32, default: u32) -> Result<u32, Error> {
    let Some(text) = nonblank_var(name)? else { return Ok(default) };
    text.parse::<u32>().ok().filter(|number| *number >= minimum).ok_or_else(|| {
        let problem = format!("{name}: got {text:?}, but a whole number of at least {minimum} is expected");
        Error::usage(problem, format!("leave {name} out for {default}"))
    })
}

/// A time in seconds, fractions too; `default` where the variable says nothing.
///
/// # Errors
/// [`Error::Usage`] with the variable's name and what it got.
pub fn seconds(name: &str, default: u32) -> Result<Duration, Error> {
    let Some(text) = nonblank_var(name)? else { return Ok(Duration::from_secs(default.into())) };
    text.parse::<f64>().ok().and_then(time::seconds).ok_or_else(|| {
        let problem = format!("{name}: got {text:?}, but a time of at least 0 seconds is expected");
        Error::usage(problem, format!("leave {name} out for {default}"))
    })
}

/// The commit that the job is for, in lower case.
///
/// # Errors
/// [`Error::Usage`] where it is missing or is no commit.
pub fn sha() -> Result<String, Error> {
    let sha = required("GITHUB_SHA", "the commit that the job is for")?;
    if is_sha(&sha) {
        return Ok(sha.to_ascii_lowercase());
    }
    let problem = format!("GITHUB_SHA: got {sha:?}, but a commit is expected");
    Err(Error::usage(problem, "give its 40 hexadecimal digits, or the first 7 at least"))
}
