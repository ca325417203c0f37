//! The static checks of policies: everything that would make a rule silent, or fail only when it is reached, is found
//! before anything is evaluated, all of it in one run. What a policy means is never looked at.

mod builtins;
mod calls;
mod describe;
mod expr;
mod findings;
mod graph;
mod names;
mod program;
mod reference;
pub mod references;
mod scope;
mod types;
mod walk;

use super::Subject;
use super::engine::{self, Module as File};
use super::problem::Problem;
use super::syntax::Module;
use crate::schema;
use program::{Program, Report};

pub use findings::{is_ours, reserved};

/// Reads and checks a team's own files beside the bundled ones, which are not checked.
///
/// # Errors
/// In words, where the engine does not come to an end.
pub fn files(subject: Subject, bundled: Vec<File>, own: Vec<File>) -> Result<Vec<Problem>, String> {
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
fn check(subject: Subject, modules: &[Module], known: usize, problems: Vec<Problem>) -> Vec<Problem> {
    let mut report = Report::default();
    let complete = problems.is_empty();
    for problem in problems {
        report.push(problem);
    }
    let schema = match subject {
        Subject::Rollout => schema::Name::Document.schema(),
        Subject::Audit => schema::Name::Audit.schema(),
    };
    let metadata = describe::read(modules, known, &mut report);
    let program = Program::new(modules, known, &metadata, complete);
    describe::check(&program, &metadata, &schema, &mut report);
    names::check(&program, &mut report);
    graph::check(&program, &mut report);
    scope::check(&program, &mut report);
    walk::check(&program, &schema, &mut report);
    report.problems()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::embedded;

    #[test]
    fn the_bundled_policies_keep_to_what_is_asked_of_others() {
        for subject in [Subject::Rollout, Subject::Audit] {
            let problems = files(subject, Vec::new(), embedded::modules(subject)).expect("they can be read");
            assert!(problems.is_empty(), "{}", crate::policy::problem::Problems(&problems));
        }
    }

    /// Every identifier of the bundled policies with one letter changed, one at a time: a check of `tests/interop`, which
    /// asks unit tests and fixtures about those that nothing here refuses.
    #[test]
    #[ignore = "some thousand checks; tests/interop/mutations.py runs it and reads what it prints"]
    #[expect(clippy::print_stdout, reason = "the script reads it")]
    fn a_letter_changed() {
        let modules = embedded::modules(Subject::Rollout);
        // Where something is refused as it stands, each misspelling would be too, and nothing would be shown.
        let problems = files(Subject::Rollout, Vec::new(), modules.clone()).expect("they can be read");
        assert!(problems.is_empty(), "{}", crate::policy::problem::Problems(&problems));
        let places = modules.iter().enumerate();
        let places: Vec<_> =
            places.flat_map(|(i, module)| identifiers(&module.text).into_iter().map(move |at| (i, at))).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let passed: Vec<String> = std::thread::scope(|scope| {
            let chunks = places.chunks(places.len().div_ceil(threads));
            let threads: Vec<_> = chunks.map(|chunk| scope.spawn(|| let_pass(&modules, chunk))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
        });
        for mutant in &passed {
            println!("{mutant}");
        }
        println!("identifiers {}, refused by the checks {}", places.len(), places.len() - passed.len());
    }

    /// The misspellings that nothing here refuses: file, place in bytes, and the letter that stands there.
    fn let_pass(modules: &[File], places: &[(usize, (usize, &str))]) -> Vec<String> {
        let mut passed = Vec::new();
        for &(i, (at, name)) in places {
            let (middle, letter) = name.char_indices().nth(name.chars().count() / 2).expect("it has a letter");
            let other = if letter == 'z' { 'a' } else { char::from_u32(u32::from(letter) + 1).expect("a letter") };
            let mut mutant = modules.to_vec();
            mutant[i].text.replace_range(at + middle..=at + middle, &other.to_string());
            if files(Subject::Rollout, Vec::new(), mutant).expect("it can be read").is_empty() {
                passed.push(format!("mutant {} {} {other}", modules[i].file, at + middle));
            }
        }
        passed
    }

    /// The identifiers of a policy, with their places in bytes; no keywords, nothing in comments or strings.
    fn identifiers(text: &str) -> Vec<(usize, &str)> {
        const KEYWORDS: [&str; 13] = [
            "package", "import", "if", "contains", "some", "in", "every", "not", "else", "default", "true", "false",
            "null",
        ];
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            let length = match c {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
                '"' => {
                    let mut escaped = false;
                    let end = rest[1..].find(|c| {
                        let ends = c == '"' && !escaped;
                        escaped = c == '\\' && !escaped;
                        ends
                    });
                    end.map_or(rest.len(), |end| end + 2)
                }
                _ if c == '_' || c.is_ascii_alphabetic() => {
                    let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                    let name = &rest[..end];
                    if name != "_" && !KEYWORDS.contains(&name) {
                        found.push((at, name));
                    }
                    end
                }
                _ => c.len_utf8(),
            };
            at += length;
        }
        found
    }
}
