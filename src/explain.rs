//! `rollproof explain`: how a verdict, a tenant's part in it, or a finding came about, and what would turn it. Explains
//! what the policies say, and decides nothing: what would turn a verdict is found by asking them again.
//!
//! Its JSON is a published format, `rollproof.explanation/v1`, which may grow by optional keys and no more.

mod change;
mod code;
mod shrink;
mod story;
mod tenant;
mod text;
mod trial;
mod verdict;

use schemars::JsonSchema;
use serde::Serialize;

pub use change::{Turn, Turns};
pub use code::{Code, Minimal, Place};
pub use story::{AttemptStory, CallStory, Said};
pub use tenant::{Enumerated, PolicySaid, RowStory, State, Tenant};
pub use verdict::Verdict;

use crate::cli;
use crate::collect::collect;
use crate::document::{Document, InputFile};
use crate::error::Error;
use crate::judge::Judge;
use crate::output;
use crate::policy::{CohortSummary, RuleText};
use crate::render::escape::{visible, write_json};
use crate::render::{Format as Form, headline};
use crate::report::{Decision, Report};
use crate::schema;
use story::{Spoke, Times};
use trial::Trials;

/// How many names are suggested for one that is not there.
const MAX_NEAR: usize = 3;

/// What policies may do in the search for what would turn a report's verdict, as [`crate::policy::work`] counts it: some
/// seconds. Only policies that are slow themselves come near it.
const MAX_WORK: u64 = 50_000_000;

/// How a verdict came about. One of `verdict`, `tenant` and `code` is there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The format's name and version.
    pub format: Format,
    /// What follows from the findings.
    pub decision: Decision,
    /// The verdict in one sentence.
    pub headline: String,
    /// The files that the evidence was read from.
    pub inputs: Vec<InputFile>,
    /// What could not be looked for within the policies' limits, and why. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The verdict as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// A tenant's part in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// What a code means, and why it was said or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// The name and version of the explanation's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.explanation/v1")]
    V1,
}

/// What is explained, with everything that explains it.
struct Ground<'a> {
    document: &'a Document,
    report: &'a Report,
    judge: &'a Judge<'a>,
    rules: &'a [RuleText],
    times: &'a Times,
    /// Which definitions of rules spoke.
    spoke: &'a Spoke,
    /// What the policies say of each cohort.
    cohorts: &'a [CohortSummary],
}

/// Explains.
///
/// # Errors
/// [`Error::Usage`] for a name that is neither a tenant nor a code; those of `verify`.
pub fn explain(options: &cli::Explain) -> Result<u8, Error> {
    let verify = &options.verify;
    check(verify)?;
    let appointed = Judge::appoint(&verify.judge)?;
    let sources = crate::sources(verify)?;
    let collected = match collect(&sources, jiff::Timestamp::now()) {
        Ok(collected) => collected,
        Err(error) => return appointed.ready().and(Err(error)),
    };
    let document = &collected.document;
    let valid = schema::validate(document)?;
    let judge = appointed.ready()?;
    let cohorts = judge.policies().evaluate(document)?.summary.cohorts;
    let report = judge.report(&valid, collected.inputs)?;
    let rules = judge.policies().rules()?;
    let mut left_out = Vec::new();
    let alone = judge.policies().elements(&story::places(&report, &rules), document).unwrap_or_else(|error| {
        left_out.push(format!("which of several rules with one code spoke: {error}"));
        Vec::new()
    });
    let spoke = Spoke::new(&alone, &rules);
    let times = Times::read(&sources.evidence, sources.max_bytes);
    let ground = Ground {
        document,
        report: &report,
        judge: &judge,
        rules: &rules,
        times: &times,
        spoke: &spoke,
        cohorts: &cohorts,
    };
    let mut trials = Trials::new(document, &judge, &verify.judge);

    let mut explanation = Explanation {
        format: Format::V1,
        decision: report.decision,
        headline: headline(&report),
        inputs: report.inputs.clone(),
        left_out,
        verdict: None,
        tenant: None,
        code: None,
    };
    match options.subject.as_deref() {
        None => explanation.verdict = Some(verdict::explain(&ground, &mut trials)),
        Some(name) => {
            let tenants = tenant::names(document);
            let codes = code::names(&ground);
            if tenants.contains(name) {
                explanation.tenant = Some(tenant::explain(&ground, &mut trials, name));
            } else if codes.contains(name) {
                let (code, held) = code::explain(&ground, &mut trials, name);
                explanation.left_out.extend(held);
                explanation.code = Some(code);
            } else {
                return Err(unknown(name, tenants.into_iter().chain(codes.iter().map(String::as_str))));
            }
        }
    }
    let show = |out: &mut dyn std::io::Write| match verify.judge.format {
        Form::Json => write_json(out, &explanation),
        _ => text::render(&explanation, document, &judge.view(), out),
    };
    output::print(show).map(|()| 0)
}

/// What would turn the verdict of a report: for a report that shows it beside the verdict, and must not wait for it.
pub(crate) fn turns(
    document: &Document,
    (judge, options): (&Judge<'_>, &cli::Judge),
    report: &Report,
    cohorts: &[CohortSummary],
) -> Turns {
    // Neither rules nor times have a part in it.
    let ground =
        Ground { document, report, judge, rules: &[], times: &Times::default(), spoke: &Spoke::default(), cohorts };
    let mut trials = Trials::new(document, judge, options).within(MAX_WORK);
    verdict::turns(&ground, &mut trials)
}

/// An explanation is printed, and has two forms.
fn check(verify: &cli::Verify) -> Result<(), Error> {
    if !matches!(verify.judge.format, Form::Text | Form::Json) {
        let problem = "an explanation has the forms text and json";
        return Err(Error::usage(problem, "give one of them with --format, or verify for a report"));
    }
    if verify.document.is_some() || !verify.judge.reports.is_empty() {
        let problem = "an explanation is printed, yet --document or --report is given";
        return Err(Error::usage(problem, "use rollproof verify to write these"));
    }
    Ok(())
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let mut near: Vec<(usize, &str)> = known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= 1 + known.len().max(name.len()) / 3)
        .collect();
    near.sort_unstable();
    near.dedup();
    // One that is clearly meant stands alone.
    let nearest = near.first().map_or(0, |(distance, _)| *distance);
    near.retain(|(distance, _)| *distance <= nearest + 1);
    let names: Vec<String> = near.iter().take(MAX_NEAR).map(|(_, known)| format!("\"{}\"", visible(known))).collect();
    let help = match names.as_slice() {
        [] => "rollproof explain RESPONSE alone explains the verdict, and names tenants and codes".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    Error::usage(format!("\"{}\" is neither a tenant of the evidence nor a code of a policy", visible(name)), help)
}
