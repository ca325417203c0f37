//! `rollproof policy`: what a team does with policies of its own, without a verdict.

pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod eval;
pub(crate) mod fixtures;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod shared;
pub(crate) mod show;
pub(crate) mod test;

use std::io::{self, Write};

use crate::cli::policy;
use crate::commands::outcome;
use crate::commands::policy::check::check;
use crate::error::Error;
use crate::error::report::ErrorReport;
use crate::render::view::View;
use crate::render::{Form, Format};

impl Form for policy::TestFormat {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => Ok(()),
            Self::Json => Format::Json.error(report, view, out),
            Self::Junit => Format::Junit.error(report, view, out),
        }
    }
}

impl Form for policy::CheckFormat {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        let format = match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Github => Format::Github,
            Self::Sarif => Format::Sarif,
        };
        format.error(report, view, out)
    }
}

/// Does what `rollproof policy` is asked for.
///
/// # Errors
/// [`Error`], where it cannot be done or something is wrong with a policy.
pub fn policy(options: &policy::Policy, report_error: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    match &options.command {
        policy::PolicyCommand::Check(options) => {
            outcome::or_report_error(check(options, report_error), Some(options.format), &options.reports, report_error)
        }
        policy::PolicyCommand::List(options) => list::list(options),
        policy::PolicyCommand::Show(options) => show::show(options),
        policy::PolicyCommand::New(options) => new::new(options),
        policy::PolicyCommand::Test(options) => test::test(options),
        policy::PolicyCommand::Eval(options) => eval::eval(options),
        policy::PolicyCommand::Bundle(options) => bundle::bundle(options),
    }
}
