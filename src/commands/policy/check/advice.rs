//! Advice on policies that can be used: comparisons that are silent, codes without a remedy, and rules that no test makes
//! speak.

use std::path::PathBuf;
use std::time::Duration;

use crate::declared::bundled;
use crate::declared::subject::Subject;
use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::lint;
use crate::model::finding::Severity;
use crate::policy::data;
use crate::policy::files::TestFiles;
use crate::policy::load::{Settings, load};
use crate::policy::package::Package;
use crate::policy::prepared::Prepared;
use crate::policy::test_runner;
use crate::rego::engine::module::Module;

/// How long a unit test may take.
const TIME: Duration = Duration::from_secs(10);

/// All advice, by file and line.
///
/// # Errors
/// Where the engine does not come to an end.
pub fn of(paths: &[PathBuf], modules: &[Module]) -> Result<Vec<Problem>, Error> {
    let bundled = bundled::modules(Subject::Rollout);
    let mut advice = lint::advice(Subject::Rollout, bundled, modules.to_vec(), &data::read(paths)?)?;
    let policies = load(Settings { paths: paths.to_vec(), ..Settings::default() })?.wait()?;
    let is_own = |package: &&Package| modules.iter().any(|module| module.file == package.place.file);
    advice.extend(policies.packages().iter().filter(is_own).flat_map(without_remedy));
    advice.extend(silent(paths, &policies).unwrap_or_default());
    advice.sort();
    Ok(advice)
}

/// Rules with codes that a person has to do something about, and that do not say what.
fn without_remedy(package: &Package) -> impl Iterator<Item = Problem> {
    let acts = |severity| matches!(severity, Severity::Deny | Severity::Inconclusive | Severity::Warn);
    let rules = package.rules.iter().filter(move |rule| acts(rule.severity) && rule.remedy.is_none());
    rules.filter(|rule| !rule.codes.is_empty()).map(|rule| {
        let place = Place { line: rule.place.line, column: 1 };
        let what = format!("{} has no remedy, so a report does not say what to do about it", rule.codes.join(", "));
        Problem::new(&rule.place.file.as_str().into(), place, what, "add custom.remedy to the METADATA")
    })
}

/// Rules of findings whose last line no test reaches. Nothing where there are no tests, or they cannot be run: that is
/// `policy test`'s to say.
fn silent(paths: &[PathBuf], policies: &Prepared) -> Result<Vec<Problem>, Error> {
    let files = TestFiles::read(paths)?;
    if files.tests.is_empty() {
        return Ok(Vec::new());
    }
    let tested = test_runner::run(policies, &files, None, TIME, true)?;
    let rules = policies.rules()?;
    let speaks = |name: &str| policies.packages().iter().any(|package| package.rules().any(|rule| rule == name));
    let mut silent = Vec::new();
    for rule in rules.iter().filter(|rule| speaks(&rule.rule)) {
        let Some(lines) = tested.lines.get(&rule.file) else { continue };
        let last = rule.line + u32::try_from(rule.text.lines().count()).unwrap_or_default();
        let is_in = |line: &&u32| (rule.line..last).contains(*line);
        let (reached, missed) = (lines.covered.iter().filter(is_in).max(), lines.uncovered.iter().filter(is_in).max());
        if missed > reached {
            let place = Place { line: rule.line, column: 1 };
            let what = format!("no test makes this {} speak", rule.rule);
            let remedy = "write a test in which it gives a finding; `policy test --coverage` shows how far tests come";
            silent.push(Problem::new(&rule.file.as_str().into(), place, what, remedy));
        }
    }
    Ok(silent)
}
