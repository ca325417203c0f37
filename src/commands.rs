//! One file per command: reads arguments, calls the stages, writes the result.

pub(crate) mod audit;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod manual;
pub(crate) mod outcome;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod probe;
pub(crate) mod run;
pub mod schema;
pub(crate) mod verify;

use crate::cli::{Cli, Command, evaluation};
use crate::commands::schema::print_schema;
use crate::commands::verify::verify;
use crate::error::Error;
use crate::io::output;

/// Does what the command line asks for. What fails behind the verdict is reported to `complain` and does not stop it.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn dispatch(cli: Cli, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    output::survive_limits();
    outputs::check(&cli.command)?;
    match cli.command {
        Command::Verify(options) => or_say(verify(&options, complain), &options.judge, complain),
        Command::Plan(options) => plan::plan(&options),
        Command::Preflight(options) => {
            let done = preflight::preflight(&options, complain);
            outcome::or_say(done, options.printed(), &options.reports, complain)
        }
        Command::Run(options) => or_say(run::run(&options, complain), &options.judge, complain),
        Command::Probe(options) => or_say(probe::probe(&options, complain), &options.judge, complain),
        Command::Drill(options) => drill::drill(&options),
        Command::Policy(options) => {
            let done = policy::manage(&options);
            outcome::or_say(done, options.command.format(), &[], complain)
        }
        Command::Audit(options) => {
            let done = audit::audit(&options, complain);
            outcome::or_say(done, Some(options.format), &options.reports, complain)
        }
        Command::Explain(options) => {
            let done = explain::explain(&options);
            outcome::or_say(done, options.format(), &[], complain)
        }
        Command::Schema { name } => print_schema(name),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
    }
}

/// Where there is no verdict, says so wherever it would be.
fn or_say(done: Result<u8, Error>, options: &evaluation::Judge, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    outcome::or_say(done, Some(options.format), &options.reports, complain)
}
