//! Exit codes, and what is written where there is no verdict: every output says so and why, so that nobody takes the report
//! of an earlier run for this run's.

use std::path::PathBuf;

use crate::error::Error;
use crate::error::report::ErrorReport;
use crate::io::output;
use crate::render::{Form, view};

/// The exit code of a verdict whose outputs were `written` or not. An output that could not be written is reported; it
/// changes the exit code only where the verdict's is 0.
pub fn exit_code(verdict: u8, written: Vec<Result<(), Error>>, report_error: &mut dyn FnMut(&Error)) -> u8 {
    let mut failures = written.into_iter().filter_map(Result::err).peekable();
    let code = if verdict == 0 && failures.peek().is_some() { 7 } else { verdict };
    failures.for_each(|error| report_error(&error));
    code
}

/// Where a command has no verdict, writes why to the reports and to standard output, and reports the error. After a
/// conflict between outputs nothing is written.
///
/// # Errors
/// [`Error::Conflict`], unchanged.
pub fn or_report_error<F: Form>(
    done: Result<u8, Error>,
    printed: Option<F>,
    reports: &[(F, PathBuf)],
    report_error: &mut dyn FnMut(&Error),
) -> Result<u8, Error> {
    match done {
        Ok(_) | Err(Error::Conflict { .. }) => done,
        Err(error) => {
            let code = error.exit_code();
            let written = report_error_everywhere(&ErrorReport::new(&error, code), printed, reports);
            Ok(exit_code(code, std::iter::once(Err(error)).chain(written).collect(), report_error))
        }
    }
}

/// Writes to the reports and to standard output why there is no verdict.
pub fn report_error_everywhere<F: Form>(
    report: &ErrorReport,
    printed: Option<F>,
    reports: &[(F, PathBuf)],
) -> Vec<Result<(), Error>> {
    let written = reports
        .iter()
        .map(|(form, path)| output::write_report(path, |out| form.error(report, &view::file_view(false), out)));
    let printed = printed.map(|form| output::print(|out| form.error(report, &view::view(false), out)));
    written.chain(printed).collect()
}
