//! The static checks of policies: everything that would make a rule silent, or fail only when it is reached, is found
//! before anything is evaluated, all of it in one run. What a policy means is never looked at.

pub(crate) mod advice;
pub(crate) mod builtins;
pub(crate) mod calls;
pub mod data;
pub(crate) mod describe;
pub(crate) mod expr;
pub(crate) mod findings;
pub(crate) mod graph;
pub(crate) mod iteration;
pub(crate) mod names;
pub(crate) mod path_types;
pub(crate) mod program;
pub(crate) mod scope;
pub(crate) mod test_references;
pub(crate) mod type_check;
pub(crate) mod type_checker;
pub(crate) mod types;

use crate::declared::subject::Subject;
use crate::diagnostic::problem::Problem;
use crate::lint::data::Data;
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
pub fn files(subject: Subject, bundled: Vec<File>, own: Vec<File>, data: &Data) -> Result<Vec<Problem>, Failure> {
    Ok(report(subject, bundled, own, data)?.problems())
}

/// What is allowed in these files and probably not meant.
///
/// # Errors
/// As [`files`].
pub fn advice(subject: Subject, bundled: Vec<File>, own: Vec<File>, data: &Data) -> Result<Vec<Problem>, Failure> {
    Ok(report(subject, bundled, own, data)?.advice())
}

fn report(subject: Subject, bundled: Vec<File>, own: Vec<File>, data: &Data) -> Result<Report, Failure> {
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
    let report = Report::with(problems);
    Ok(check(subject, &modules, known, data, report))
}

/// Checks the modules after the first `known`, which are trusted and only have to be there. `report` has what kept files
/// from being read.
fn check(subject: Subject, modules: &[Module], known: usize, data: &Data, mut report: Report) -> Report {
    let complete = report.is_empty();
    let schema = match subject {
        Subject::Rollout => published::Name::Document.schema(),
        Subject::Audit => published::Name::Audit.schema(),
    };
    let metadata = describe::read(modules, known, &mut report);
    let program = Program { complete, ..Program::new(modules, known, &metadata, data) };
    describe::check(&program, &metadata, &schema, &mut report);
    names::check(&program, &mut report);
    graph::check(&program, &mut report);
    scope::check(&program, &mut report);
    type_check::check(&program, &schema, &mut report);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::bundled;

    /// Policies are asked about cohorts that are merged by what the bundled ones read. Where the schema lacks what merged
    /// cohorts lose, the walk refuses whatever reads it all the same.
    #[test]
    fn the_bundled_policies_read_nothing_that_merged_cohorts_lose() {
        let mut schema = published::Name::Document.schema();
        for (of, lost) in [("Cohort", "labels"), ("Row", "extra"), ("Row", "error"), ("Row", "running_image")] {
            let fields = schema["$defs"][of]["properties"].as_object_mut().expect("it is an object");
            assert!(fields.remove(lost).is_some(), "{of} has no {lost}");
        }
        let bundled = bundled::modules(Subject::Rollout);
        let modules: Vec<Module> = engine::parse_all(bundled.clone())
            .and_then(|modules| {
                modules.into_iter().collect::<Result<_, _>>().map_err(|problem| Failure::Bug(problem.to_string()))
            })
            .expect("they can be read");
        let mut report = Report::default();
        let metadata = describe::read(&modules, 0, &mut report);
        let data = Data::default();
        let program = Program { complete: true, ..Program::new(&modules, 0, &metadata, &data) };
        type_check::check(&program, &schema, &mut report);
        let line = |problem: &Problem| {
            let file = bundled.iter().find(|module| *module.file == *problem.file).expect("it is bundled");
            file.text.lines().nth(problem.place.line as usize - 1).expect("it has the line").trim().to_owned()
        };
        let found: Vec<String> = report.problems().iter().map(line).collect();
        // Whether an error or an image is blank stays known, and so do the labels that waivers name. Of many images
        // those with another tag than the target's are asked for first.
        let known = [
            "count({key | some key, value in labels; cohort.labels[key] == value}) == count(labels)",
            "text.is_nonblank(row.error)",
            "errors := [\"an error\" | text.is_nonblank(row.error)]",
            "text.is_nonblank(row.running_image)",
            "image := row.running_image",
            "row.running_image in other_images",
            "row.running_image in proof.other_images",
        ];
        let unknown: Vec<_> = found.iter().filter(|line| !known.contains(&&***line)).collect();
        assert!(unknown.is_empty(), "`Projection::for_bundled` has to keep what these read: {unknown:#?}");
        assert!(known.iter().all(|line| found.iter().any(|found| found == line)), "{found:#?}");
    }

    #[test]
    fn the_bundled_policies_keep_to_what_is_asked_of_others() {
        for subject in [Subject::Rollout, Subject::Audit] {
            let problems =
                files(subject, Vec::new(), bundled::modules(subject), &Data::default()).expect("they can be read");
            assert!(problems.is_empty(), "{}", crate::diagnostic::problem::Problems(&problems));
        }
    }
}
