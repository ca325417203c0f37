//! `rollproof policy eval`: the findings of a policy on some evidence, or the values of any expression. There is no verdict.

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::evaluation::PreviousArgs;
use crate::cli::policy;
use crate::cli::policy::ListFormat;
use crate::collect::fields::EvidenceFields;
use crate::collect::{Sources, collect, labels};
use crate::commands::policy::shared::{prepared, print_json, unknown};
use crate::error::Error;
use crate::evaluation::previous;
use crate::io::config::Config;
use crate::io::input::Source;
use crate::io::output;
use crate::policy::raw_findings::RawFinding;
use crate::schema::document;
use crate::text::escape::line;

/// How many tenants of a finding are named.
const MAX_TENANTS: usize = 20;

/// The format's name and version.
const FORMAT: &str = "rollproof.evaluation/v1";

/// The findings of a policy, as JSON. Published as `rollproof.evaluation/v1`: it may grow by optional keys, no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyEvaluation<'a> {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The policy.
    policy: &'a str,
    /// The rules that were evaluated.
    rules: Vec<&'static str>,
    /// Their findings, by rule, code and message.
    findings: &'a [RawFinding],
}

/// Prints the findings, or the values of an expression.
///
/// # Errors
/// [`Error`], where the evidence or a policy cannot be used.
pub fn eval(options: &policy::PolicyEval) -> Result<u8, Error> {
    let PreviousArgs { previous, retired } = &options.previous;
    let previous = previous::read(previous.as_deref(), retired.as_deref(), options.max_input_bytes)?;
    let config = Config::read(options.own.config.as_deref())?;
    let policies = prepared(&options.own, &config, &options.params, Some(&options.facts), Some(previous))?;
    let name = options.package.trim_start_matches("data.");
    let package = policies.package(name);
    if package.is_none() && !(options.query.is_some() && policies.has_package(name)) {
        return Err(unknown(name, policies.packages().iter().map(|package| &*package.name)));
    }
    let source = |path: &PathBuf| Source::new(path.clone());
    let sources = Sources {
        evidence: source(&options.evidence),
        fleet: options.fleet.as_ref().map(source),
        plan: options.plan.as_ref().map(source),
        fields: EvidenceFields::default(),
        max_bytes: options.max_input_bytes,
    };
    let mut collected = collect(&sources, Timestamp::now())?;
    if let Some(path) = &options.labels {
        labels::add(&mut collected, &source(path), sources.max_bytes)?;
    }
    document::validate(&collected.document)?;

    if let Some(expression) = &options.query {
        let name = package.map_or(name, |package| &package.name);
        let values = policies.query(name, expression, &collected.document);
        output::show_prints(&policies.take_prints());
        return print_json(&values?);
    }
    let Some(package) = package else { return Ok(0) };
    let findings = policies.raw_findings(package, &collected.document);
    output::show_prints(&policies.take_prints());
    let findings = findings?;
    match options.format {
        ListFormat::Json => print_json(&PolicyEvaluation {
            format: FORMAT,
            policy: &package.name,
            rules: package.rules().collect(),
            findings: &findings,
        }),
        ListFormat::Text => {
            let silent: Vec<&str> =
                package.rules().filter(|rule| findings.iter().all(|finding| finding.severity != *rule)).collect();
            output::print(|out| {
                findings.iter().try_for_each(|finding| write(finding, out))?;
                if !silent.is_empty() {
                    line!(out, "silent: {}", silent.join(", "))?;
                }
                Ok(())
            })
            .map(|()| 0)
        }
    }
}

/// Writes a finding for a person.
///
/// # Errors
/// Those of `out`.
pub fn write(finding: &RawFinding, out: &mut dyn Write) -> io::Result<()> {
    line!(out, "{}  {}  {}", finding.severity, finding.code, finding.message)?;
    if !finding.tenants.is_empty() {
        let named: Vec<&str> = finding.tenants.iter().take(MAX_TENANTS).map(|tenant| &**tenant).collect();
        let more = finding.tenants.len() - named.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        line!(out, "      tenants   {}{more}", named.join(", "))?;
    }
    for (word, value) in [("observed", &finding.observed), ("expected", &finding.expected)] {
        if let Some(value) = value {
            line!(out, "      {word}  {value}")?;
        }
    }
    if let Some(at) = &finding.at {
        line!(out, "      at        {at}")?;
    }
    Ok(())
}
