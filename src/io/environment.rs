//! Variables of a CI job (contract section 2): trimmed, and what their words mean. A blank one is as good as none.

use std::time::Duration;

use crate::error::Error;
use crate::model::commit::is_sha;
use crate::time;

/// What arms a switch, in any case.
const TRUTHY: [&str; 6] = ["1", "true", "yes", "on", "disabled", "disable"];

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
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(format!("{name} is no text"), "is it UTF-8?")),
    }
}

/// A variable that has to be there.
///
/// # Errors
/// [`Error::Usage`] where it is not set, blank or no text.
pub fn required(name: &str, what: &str) -> Result<String, Error> {
    nonblank_var(name)?.ok_or_else(|| Error::usage(format!("{name} is not set"), format!("it is {what}")))
}

/// Whether a word arms a switch; white space around it and its case say nothing.
pub fn is_truthy(word: &str) -> bool {
    TRUTHY.iter().any(|truthy| word.trim().eq_ignore_ascii_case(truthy))
}

/// Whether a variable that asks for something is set to a word for yes.
///
/// # Errors
/// [`Error::Usage`] for `disabled` and `disable`, which arm the kill switch and here would mean their contrary.
pub fn flag(name: &str) -> Result<bool, Error> {
    let Some(word) = nonblank_var(name)? else { return Ok(false) };
    if ["disabled", "disable"].iter().any(|odd| word.eq_ignore_ascii_case(odd)) {
        let help = "say true or false";
        return Err(Error::usage(format!("{name}: got {word:?}, which reads as a mistake: it would turn it on"), help));
    }
    Ok(is_truthy(&word))
}

/// A whole number of at least `minimum`; `default` where the variable says nothing.
///
/// # Errors
/// [`Error::Usage`] with the variable's name, what it got and the minimum.
pub fn whole_number(name: &str, minimum: u32, default: u32) -> Result<u32, Error> {
    let Some(text) = nonblank_var(name)? else { return Ok(default) };
    text.parse::<u32>().ok().filter(|number| *number >= minimum).ok_or_else(|| {
        let problem = format!("{name}: got {text:?}, but a whole number of at least {minimum} is expected");
        Error::usage(problem, format!("leave it out for {default}"))
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
        Error::usage(problem, format!("leave it out for {default}"))
    })
}

/// The commit that the job is for, in small letters.
///
/// # Errors
/// [`Error::Usage`] where it is missing or is none.
pub fn sha() -> Result<String, Error> {
    let sha = required("GITHUB_SHA", "the commit that the job is for")?;
    if is_sha(&sha) {
        return Ok(sha.to_ascii_lowercase());
    }
    let problem = format!("GITHUB_SHA: got {sha:?}, but a commit is expected");
    Err(Error::usage(problem, "a commit has 40 hexadecimal digits"))
}
