//! Says in every output that there is no verdict, and why, so that no report of an earlier run is taken for this one.

use std::path::PathBuf;

use crate::error::{Error, ErrorReport};
use crate::judge;
use crate::output;
use crate::render::{Form, View};

/// Where a command has no verdict, writes so to the reports and to standard output, and complains. After a conflict
/// nothing is touched, and standard error alone says so.
///
/// # Errors
/// A conflict, as it is.
pub fn or_say<F: Form>(
    done: Result<u8, Error>,
    printed: Option<F>,
    reports: &[(F, PathBuf)],
    complain: &mut dyn FnMut(&Error),
) -> Result<u8, Error> {
    match done {
        Ok(_) | Err(Error::Conflict { .. }) => done,
        Err(error) => {
            let code = error.exit_code();
            let said = say(&ErrorReport::new(&error, code), printed, reports);
            Ok(judge::exit_code(code, std::iter::once(Err(error)).chain(said).collect(), complain))
        }
    }
}

/// Writes to the reports and to standard output why there is no verdict.
pub fn say<F: Form>(report: &ErrorReport, printed: Option<F>, reports: &[(F, PathBuf)]) -> Vec<Result<(), Error>> {
    let written = reports.iter().map(|(form, path)| judge::put(path, |out| form.error(report, &View::plain(), out)));
    let printed = printed.map(|form| output::print(|out| form.error(report, &judge::view(false), out)));
    written.chain(printed).collect()
}
