//! Turns an input of any form into one JSON value.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::diagnostic::fault::{Fault, utf8, without_bom};
use crate::mapping::file::InputForm;
use crate::schema::explain::syntax;

/// The input as JSON text: its own text where it is JSON, else a converted one.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn json(bytes: &[u8], form: InputForm) -> Result<Cow<'_, str>, Fault> {
    match form {
        InputForm::Json => utf8(bytes).map(Cow::Borrowed),
        InputForm::Jsonl => utf8(bytes).and_then(lines).map(Cow::Owned),
        // Spreadsheets write a byte-order mark.
        InputForm::Csv => utf8(without_bom(bytes)).and_then(table).map(Cow::Owned),
        InputForm::Yaml => utf8(without_bom(bytes)).and_then(yaml).map(Cow::Owned),
    }
}

/// The value of a JSON text, without white space around it.
///
/// # Errors
/// Why the text is not one JSON value.
pub(crate) fn value(json: &str) -> Result<&str, Fault> {
    serde_json::from_str::<&RawValue>(json).map(RawValue::get).map_err(|error| syntax(json, &error))
}

fn at_line(line: u64, problem: String) -> Fault {
    Fault { place: usize::try_from(line).ok().map(|line| (line, 1)), ..Fault::whole(problem) }
}

/// Turns one JSON value a line into an array. Blank lines are skipped.
fn lines(text: &str) -> Result<String, Fault> {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('[');
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value: &RawValue = serde_json::from_str(line).map_err(|error| {
            let fault = syntax(line, &error);
            Fault { place: fault.place.map(|(_, column)| (i + 1, column)), ..fault }
        })?;
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(value.get());
    }
    json.push(']');
    Ok(json)
}

/// Turns a table with a header into an array of objects; every value is a string.
fn table(text: &str) -> Result<String, Fault> {
    let csv_fault = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let problem = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("found {len} columns, but the header has {expected_len}")
            }
            _ => error.to_string(),
        };
        at_line(line, problem).help("every record has a value for each column of the header; quotes enclose a comma")
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().map_err(csv_fault)?.iter().map(str::to_owned).collect();
    for (i, name) in header.iter().enumerate() {
        let problem = match name.trim() {
            "" => format!("found no name for column {} in the header", i + 1),
            trimmed if trimmed != name => format!("found the column {name:?}, with white space around its name"),
            _ if header[..i].contains(name) => format!("found the column {name:?} twice"),
            _ => continue,
        };
        return Err(
            at_line(1, problem).help("the first line names every column, each once and without blanks around it")
        );
    }
    let mut json = String::from("[");
    for record in reader.records() {
        let record = record.map_err(csv_fault)?;
        let object: Map<String, Value> =
            header.iter().cloned().zip(record.iter().map(|value| Value::String(value.to_owned()))).collect();
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&Value::Object(object).to_string());
    }
    json.push(']');
    Ok(json)
}

/// Turns one YAML document into JSON.
fn yaml(text: &str) -> Result<String, Fault> {
    let options = serde_saphyr::options! { strict_booleans: true, budget: None };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let place = error.location().map(|location| (number(location.line()), number(location.column())));
        Fault { place, ..Fault::whole(error.without_snippet().to_string()) }
            .help("one YAML document is read, and no key twice")
    })?;
    Ok(value.to_string())
}
