//! `rollproof explain`.

use crate::cli::{explain, verify};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::explain::context::ExplainContext;
use crate::explain::explanation::{Explanation, Format};
use crate::explain::finding_rules::FindingRules;
use crate::explain::times::Times;
use crate::explain::trial::Trials;
use crate::explain::{code, finding_rules, tenant, text, verdict};
use crate::io::output;
use crate::render::Format as Form;
use crate::render::words::headline;
use crate::schema::document;
use crate::text::escape::{visible, write_json};

/// How many names are suggested for one that is not there.
const MAX_NEAR: usize = 3;

/// Explains.
///
/// # Errors
/// [`Error::Usage`] for a name that is neither a tenant nor a code; those of `verify`.
pub fn explain(options: &explain::Explain) -> Result<u8, Error> {
    let verify = &options.verify;
    check(verify)?;
    let pending = Evaluation::start(verify.evaluation.options())?;
    let sources = crate::commands::verify::sources(verify)?;
    let collected = match crate::commands::verify::collected(verify, &sources) {
        Ok(collected) => collected,
        Err(error) => return pending.wait().and(Err(error)),
    };
    let document = &collected.document;
    let valid = document::validate(document)?;
    let evaluation = pending.wait()?;
    let (report, cohorts) = evaluation.evaluate(&valid, collected.inputs)?;
    let rules = evaluation.policies().rules()?;
    let mut left_out = Vec::new();
    let outputs = evaluation
        .policies()
        .elements(&finding_rules::rule_places(&report, &rules), document)
        .unwrap_or_else(|error| {
            left_out.push(format!("which of several rules with one code spoke: {error}"));
            Vec::new()
        });
    let finding_rules = FindingRules::new(&outputs, &rules);
    let times = Times::read(&sources.evidence, sources.max_bytes);
    let context = ExplainContext {
        document,
        report: &report,
        evaluation: &evaluation,
        rules: &rules,
        times: &times,
        finding_rules: &finding_rules,
        cohorts: &cohorts,
    };
    let mut trials = Trials::new(document, &evaluation);

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
        None => explanation.verdict = Some(verdict::explain(&context, &mut trials)),
        Some(name) => explain_name(&mut explanation, &context, &mut trials, name)?,
    }
    let show = |out: &mut dyn std::io::Write| match verify.evaluation.outputs.format {
        Form::Json => write_json(out, &explanation),
        _ => text::render(&explanation, document, &evaluation.view(), out),
    };
    output::print(show).map(|()| 0)
}

/// Explains a tenant or a code.
fn explain_name(
    explanation: &mut Explanation,
    context: &ExplainContext<'_>,
    trials: &mut Trials<'_>,
    name: &str,
) -> Result<(), Error> {
    let tenants = tenant::names(context.document);
    let codes = code::names(context);
    if tenants.contains(name) {
        explanation.tenant = Some(tenant::explain(context, trials, name));
    } else if codes.contains(name) {
        let (code, left_out) = code::explain(context, trials, name);
        explanation.left_out.extend(left_out);
        explanation.code = Some(code);
    } else {
        return Err(unknown(name, tenants.into_iter().chain(codes.iter().map(String::as_str))));
    }
    Ok(())
}

/// An explanation is printed, and has two forms.
fn check(verify: &verify::Verify) -> Result<(), Error> {
    if !matches!(verify.evaluation.outputs.format, Form::Text | Form::Json) {
        let problem = "an explanation has the forms text and json";
        return Err(Error::usage(problem, "give one of them with --format, or verify for a report"));
    }
    if verify.document.is_some() || !verify.evaluation.outputs.reports.is_empty() {
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
