//! One file per command: reads arguments, calls the stages, writes the result.

pub(crate) mod archives;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod drill;
pub(crate) mod exit;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod manual;
pub(crate) mod mapping;
pub(crate) mod outcome;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod probe;
pub(crate) mod run;
pub mod schema;
pub(crate) mod verify;
pub(crate) mod wire;

use crate::cli::{Cli, Command, evaluation};
use crate::commands::schema::print_schema;
use crate::commands::verify::verify;
use crate::error::Error;
use crate::io::output;

/// Does what the command line asks for. What fails after the verdict is reported to `report_error` and does not stop it.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn dispatch(cli: Cli, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    output::ignore_size_signal();
    let conflicts = outputs::conflicts(&cli.command);
    if let Command::Run(options) = &cli.command
        && options.check
    {
        return check::check(options, conflicts, report_error);
    }
    conflicts.into_iter().next().map_or(Ok(()), Err)?;
    match cli.command {
        Command::Verify(options) => {
            let done = verify(&options, report_error);
            let reports = &options.verify.evaluation.outputs.reports;
            outcome::or_report_error(done, Some(options.printed()), reports, report_error)
        }
        Command::Plan(options) => plan::plan(&options),
        Command::Preflight(options) => {
            let done = preflight::preflight(&options, report_error);
            outcome::or_report_error(done, options.printed(), &options.outputs.reports, report_error)
        }
        Command::Run(options) => or_report_error(run::run(&options, report_error), &options.evaluation, report_error),
        Command::Probe(options) => {
            or_report_error(probe::probe(&options, report_error), &options.evaluation, report_error)
        }
        Command::Drill(options) => drill::drill(&options),
        Command::Policy(options) => {
            let done = policy::policy(&options, report_error);
            outcome::or_report_error(done, options.command.format(), &[], report_error)
        }
        Command::Audit(options) => {
            let done = audit::audit(&options, report_error);
            outcome::or_report_error(done, Some(options.format), &options.reports, report_error)
        }
        Command::History(options) => {
            outcome::or_report_error(history::history(&options), options.format.of_errors(), &[], report_error)
        }
        Command::Explain(options) => {
            let done = explain::explain(&options);
            outcome::or_report_error(done, options.format(), &[], report_error)
        }
        Command::Mapping(options) => {
            let done = mapping::mapping(&options);
            outcome::or_report_error(done, options.format(), &[], report_error)
        }
        Command::Schema { name } => print_schema(name),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
    }
}

/// Where there is no verdict, says so wherever it would be.
fn or_report_error(
    done: Result<u8, Error>,
    options: &evaluation::EvaluationArgs,
    report_error: &mut dyn FnMut(&Error),
) -> Result<u8, Error> {
    outcome::or_report_error(done, Some(options.outputs.format), &options.outputs.reports, report_error)
}
