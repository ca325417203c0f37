//! The static checks of policies: everything that would make a rule silent, or fail only when it is reached, is found
//! before anything is evaluated, all of it in one run. What a policy means is never looked at.

pub(crate) mod advice;
pub(crate) mod builtins;
pub(crate) mod calls;
pub(crate) mod describe;
pub(crate) mod expr;
pub(crate) mod findings;
pub(crate) mod graph;
pub(crate) mod iteration;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod reference;
pub(crate) mod references;
pub(crate) mod scope;
pub(crate) mod types;
pub(crate) mod walk;
pub(crate) mod walker;

use crate::declared::subject::Subject;
use crate::diagnostic::problem::Problem;
use crate::lint::program::{Program, Report};
use crate::rego::engine;
use crate::rego::engine::module::Module as File;
use crate::rego::guard::Failure;
use crate::rego::syntax::Module;
use crate::schema::published;

/// Reads and checks a team's own files beside the bundled ones, which are not checked.
///
/// # Errors
/// Where the engine does not come to an end.
pub fn files(subject: Subject, bundled: Vec<File>, own: Vec<File>) -> Result<Vec<Problem>, Failure> {
    Ok(report(subject, bundled, own)?.problems())
}

/// What is allowed in these files and probably not meant.
///
/// # Errors
/// As [`files`].
pub fn advice(subject: Subject, bundled: Vec<File>, own: Vec<File>) -> Result<Vec<Problem>, Failure> {
    Ok(report(subject, bundled, own)?.advice())
}

fn report(subject: Subject, bundled: Vec<File>, own: Vec<File>) -> Result<Report, Failure> {
    let many = bundled.len();
    let read = engine::parse_all(bundled.into_iter().chain(own).collect())?;
    let (mut modules, mut problems, mut known) = (Vec::new(), Vec::new(), 0);
    for (i, module) in read.into_iter().enumerate() {
        match module {
            Ok(module) => {
                known += usize::from(i < many);
                modules.push(module);
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok(check(subject, &modules, known, problems))
}

/// Checks the modules behind the first `known`, which are trusted and only have to be there. `problems` are those that
/// kept files from being read.
fn check(subject: Subject, modules: &[Module], known: usize, problems: Vec<Problem>) -> Report {
    let mut report = Report::default();
    let complete = problems.is_empty();
    for problem in problems {
        report.push(problem);
    }
    let schema = match subject {
        Subject::Rollout => published::Name::Document.schema(),
        Subject::Audit => published::Name::Audit.schema(),
    };
    let metadata = describe::read(modules, known, &mut report);
    let program = Program::new(modules, known, &metadata, complete);
    describe::check(&program, &metadata, &schema, &mut report);
    names::check(&program, &mut report);
    graph::check(&program, &mut report);
    scope::check(&program, &mut report);
    walk::check(&program, &schema, &mut report);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::bundled;

    #[test]
    fn the_bundled_policies_keep_to_what_is_asked_of_others() {
        for subject in [Subject::Rollout, Subject::Audit] {
            let problems = files(subject, Vec::new(), bundled::modules(subject)).expect("they can be read");
            assert!(problems.is_empty(), "{}", crate::diagnostic::problem::Problems(&problems));
        }
    }
}
