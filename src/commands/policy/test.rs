//! `rollproof policy test`: unit tests and fixtures together, what came of them, and which lines nothing reached.

pub(crate) mod junit;
pub(crate) mod results;
pub(crate) mod text;

use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use crate::cli::policy;
use crate::cli::policy::TestFormat;
use crate::commands::policy::fixtures;
use crate::commands::policy::shared::print_json;
use crate::commands::policy::test::results::{Coverage, Format, Results};
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::policy::files::TestFiles;
use crate::policy::load::{Settings, load};
use crate::policy::test_runner;
use crate::policy::test_runner::Outcome;
use crate::rego::engine::coverage::Lines;
use crate::text::plural::plural;

/// Runs tests.
///
/// # Errors
/// [`Error::Usage`], [`Error::Policy`] and [`Error::Policies`] where they cannot be run or there are none.
pub fn test(options: &policy::PolicyTest) -> Result<u8, Error> {
    let wanted = options.run.as_deref().map(wanted).transpose()?;
    let config = Config::read(options.config.as_deref())?;
    let mut paths = options.paths.clone();
    if paths.is_empty() {
        paths.clone_from(&config.policies.paths);
    }
    if paths.is_empty() {
        paths.push(PathBuf::from("."));
    }
    let files = TestFiles::read(&paths)?;
    let own: Vec<PathBuf> = config.policies.paths.iter().chain(&files.policy_paths).cloned().collect();
    // Parameters have the values that policies declare: tests would depend on who runs them otherwise.
    let policies = load(Settings { paths: own, folders: files.folders.clone(), ..Settings::default() })?.wait()?;

    let mut tested =
        test_runner::run(&policies, &files, wanted.as_ref(), Duration::from_secs(options.timeout), options.coverage)?;
    if let Some(folder) = &options.fixtures {
        let cases = fixtures::run(folder, &files, &config, wanted.as_ref(), options.update)?;
        tested.declared += cases.declared;
        tested.tests.extend(cases.tests);
    }
    let count = |outcome| tested.tests.iter().filter(|test| test.outcome == outcome).count();
    let (passed, failed, todo) = (count(Outcome::Passed), count(Outcome::Failed), count(Outcome::Todo));
    if passed + failed == 0 {
        return Err(nothing(&paths, tested.declared, todo));
    }
    let coverage =
        options.coverage.then(|| tested.lines.into_iter().map(|(file, lines)| coverage(file, lines)).collect());
    let texts = files.policies.into_iter().map(|module| (module.file, module.text)).collect();
    let results = Results { format: Format::V1, passed, failed, todo, tests: tested.tests, coverage, texts };
    match options.format {
        TestFormat::Text => {
            output::print(|out| text::write(&results, options.verbose, out))?;
            // Those of a test that failed stand with the failure.
            let passed = results.tests.iter().filter(|test| test.failure.is_none());
            output::show_prints(passed.flat_map(|test| &test.prints));
        }
        TestFormat::Json => print_json(&results).map(drop)?,
        TestFormat::Junit => output::print(|out| junit::write(&results, out))?,
    }
    Ok(u8::from(failed > 0))
}

fn wanted(text: &str) -> Result<Regex, Error> {
    Regex::new(text).map_err(|error| Error::usage(format!("--run: {error}"), "give a regular expression"))
}

fn coverage(file: String, lines: Lines) -> Coverage {
    Coverage { file, covered: lines.covered.len(), uncovered: lines.uncovered.into_iter().collect() }
}

/// Tests that run no test must not pass.
fn nothing(paths: &[PathBuf], declared: usize, todo: usize) -> Error {
    let paths = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let (problem, help) = match (declared, todo) {
        (0, _) => (
            format!("{paths}: there is no test here: no rule in a file *_test.rego is named test_..."),
            "check the path; rollproof policy new makes a policy with a test",
        ),
        (declared, 0) => (
            format!("{paths}: --run matches none of the {} here", plural(declared, "test")),
            "rollproof policy test --verbose lists the tests",
        ),
        (_, todo) => (
            format!("{paths}: no test was run, only {todo} are still to do (todo_test_...)"),
            "name a test test_... once it is to be run",
        ),
    };
    Error::NoPolicy { problem, help: help.into() }
}
