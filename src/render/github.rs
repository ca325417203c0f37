//! Workflow commands that annotate a CI run. They are a command channel: a line of evidence must never start one.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::error::report::ErrorReport;
use crate::model::decision::Decision;
use crate::model::finding::{Finding, Severity};
use crate::render::view::View;
use crate::render::words::{
    MAX_PROBLEMS, NO_VERDICT, downgrades, headline, more_problems, problem_lines, sentence, verdict,
};
use crate::report::Report;
use crate::report::stragglers::Straggler;
use crate::text::escape::{for_annotation, for_property};

/// Writes an annotation for each policy that does not weigh all, for each finding, and then the verdict. A CI shows
/// only the first few, so that what is softened comes first.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for sentence in downgrades(report) {
        writeln!(out, "::warning title=rollproof::{}", for_annotation(&sentence))?;
    }
    let stragglers_by_name = report.stragglers_by_name();
    for finding in &report.findings {
        annotation(finding, &stragglers_by_name, view, out)?;
    }
    verdict_annotation(report.decision, &headline(report), out)
}

/// Writes an annotation for a finding.
pub(crate) fn annotation(
    finding: &Finding,
    stragglers_by_name: &HashMap<&str, &Straggler>,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let command = match finding.severity {
        _ if finding.waived.is_some() => "notice",
        Severity::Deny | Severity::Inconclusive => "error",
        Severity::Warn => "warning",
        Severity::Note => "notice",
    };
    let mut text = sentence(finding, stragglers_by_name, view.errors);
    if let Some(remedy) = &finding.remedy {
        text.push_str(&format!(". Next: {}", remedy.trim()));
    }
    writeln!(out, "::{command} title={}::{}", for_property(&finding.code), for_annotation(&text))
}

/// Writes an annotation for the verdict.
pub(crate) fn verdict_annotation(decision: Decision, headline: &str, out: &mut dyn Write) -> io::Result<()> {
    let command = match decision {
        Decision::Pass => "notice",
        Decision::NotAsserted => "warning",
        Decision::Fail | Decision::Inconclusive => "error",
    };
    writeln!(out, "::{command} title=rollproof::{}  {}", verdict(decision), for_annotation(headline))
}

/// Writes an annotation for each problem, at its place, and then that there is no verdict.
pub fn error(report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.in_repository(|name| view.repository.name_from_root(name));
    for problem in report.problems.iter().take(MAX_PROBLEMS) {
        let mut properties = String::new();
        if let Some(input) = problem.file() {
            properties.push_str(&format!("file={},", for_property(input)));
            for (name, number) in [("line", problem.line), ("col", problem.column)] {
                properties.extend(number.map(|number| format!("{name}={number},")));
            }
        }
        let mut text = problem_lines(problem, for_annotation).join("%0A");
        if let Some(help) = &problem.help {
            text.push_str(&format!(". Next: {}", for_annotation(help)));
        }
        writeln!(out, "::error {properties}title={NO_VERDICT}::{text}")?;
    }
    let mut text = report.meaning.to_owned();
    text.extend(more_problems(report).map(|more| format!("; {more}")));
    text.extend(report.more_help().map(|help| format!(". Next: {}", for_annotation(help))));
    writeln!(out, "::error title=rollproof::{NO_VERDICT}  {text}")
}
