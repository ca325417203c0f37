//! `rollproof policy show`: what a policy says of itself, its source with line numbers, and an example of a finding.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::policy;
use crate::cli::policy::ListFormat;
use crate::commands::policy::shared::{prepared, print_json, unknown};
use crate::commands::policy::{eval, list};
use crate::declared::subject::Subject;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::model::document::Document;
use crate::policy::catalog::Entry;
use crate::policy::load;
use crate::policy::load::{Policies, Settings};
use crate::policy::raw_findings::RawFinding;
use crate::text::escape::line;

/// Documents of rollouts in which much went wrong: on one of them a policy has something to say, as a rule.
const TROUBLED: &str = include_str!("show/troubled.json");

/// An audit that policies of audits have something to say of.
const AUDIT: &str = include_str!("show/audit.json");

/// The name and version of what is shown.
const FORMAT: &str = "rollproof.policy/v1";

/// What is shown, as JSON. Published as `rollproof.policy/v1`: it may grow by optional keys, no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyDescription {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    #[serde(flatten)]
    entry: Entry,
    /// Its files.
    sources: Vec<Source>,
    /// A finding. Absent where the policy is silent on every troubled document, or needs what these do not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<RawFinding>,
}

/// A file of a policy.
#[derive(Debug, Serialize, JsonSchema)]
struct Source {
    /// Its path.
    file: String,
    /// Its Rego.
    text: String,
}

/// Prints a policy.
///
/// # Errors
/// [`Error`], where policies cannot be loaded or there is none of that name.
pub fn show(options: &policy::PolicyShow) -> Result<u8, Error> {
    let config = Config::read(options.own.config.as_deref())?;
    let all = [crate::commands::policy::shared::policies(&options.own, &config)?, Policies::of_audits()?];
    let name = options.name.trim_start_matches("data.");
    let catalog: Vec<_> =
        all.iter().flat_map(|policies| policies.catalog().into_iter().map(move |entry| (policies, entry))).collect();
    let named = |wanted: &str| catalog.iter().find(|(_, entry)| entry.name == wanted).cloned();
    let Some((policies, entry)) = named(name).or_else(|| named(&format!("rollproof.{name}"))) else {
        return Err(unknown(name, catalog.iter().map(|(_, entry)| &*entry.name)));
    };
    let sources = if options.lowered { policies.lowered(&entry.name) } else { policies.sources(&entry.name) };
    let sources = sources.into_iter().map(|module| Source { file: module.file, text: module.text });
    let example = example(options, &config, &entry.name)?;
    let shown = PolicyDescription { format: FORMAT, sources: sources.collect(), entry, example };
    match options.format {
        ListFormat::Json => print_json(&shown),
        ListFormat::Text => output::print(|out| write(&shown, out)).map(|()| 0),
    }
}

/// What the policy says first of the first document of which it says anything.
fn example(options: &policy::PolicyShow, config: &Config, name: &str) -> Result<Option<RawFinding>, Error> {
    let documents: Vec<Document> =
        serde_json::from_str(TROUBLED).map_err(|error| Error::bug(format!("the example is broken: {error}")))?;
    let policies = prepared(&options.own, config, &[], None, None)?;
    let Some(package) = policies.package(name) else { return of_an_audit(name) };
    // A policy may need what the examples do not have; it can be shown all the same.
    let findings = documents.iter().filter_map(|document| policies.raw_findings(package, document).ok());
    Ok(findings.flatten().next())
}

/// What a policy of audits says first of an audit.
fn of_an_audit(name: &str) -> Result<Option<RawFinding>, Error> {
    let audit = serde_json::from_str(AUDIT).map_err(|error| Error::bug(format!("the example is broken: {error}")))?;
    let policies = load::load(Settings { subject: Subject::Audit, ..Settings::default() })?.wait()?;
    let mut findings = policies.evaluate_audit(&audit)?.into_iter();
    Ok(findings.find(|finding| finding.policy == name).map(RawFinding::from))
}

fn write(shown: &PolicyDescription, out: &mut dyn Write) -> io::Result<()> {
    let PolicyDescription { entry, sources, example, .. } = shown;
    line!(out, "{}  {}", entry.name, entry.title)?;
    if !entry.description.is_empty() {
        line!(out, "{}", entry.description.replace('\n', " "))?;
    }
    let source = if entry.bundled { "bundled" } else { "your own" };
    let why = entry.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    line!(out)?;
    line!(out, "mode    {}{why}", list::mode(entry))?;
    line!(out, "source  {source}")?;
    line!(out, "rules   {}", entry.rules.join(", "))?;
    if !entry.needs.is_empty() {
        line!(out, "needs   {}", entry.needs.join(", "))?;
    }
    if !entry.codes.is_empty() {
        line!(out)?;
        line!(out, "codes")?;
    }
    for code in &entry.codes {
        let place = format!("{}:{}", code.file, code.line);
        line!(out, "  {}  {}  {}  {place}", code.severity, code.code, code.title)?;
    }
    if !entry.params.is_empty() {
        line!(out)?;
        line!(out, "params")?;
    }
    for param in &entry.params {
        let default =
            param.default.as_ref().map_or_else(|| "no default".into(), |default| format!("default {default}"));
        let minimum = param.minimum.map_or_else(String::new, |minimum| format!(", at least {minimum}"));
        let described = param.description.replace('\n', " ");
        line!(out, "  {}  {}, {default}{minimum}: {described}", param.name, param.kind)?;
    }
    line!(out)?;
    if let Some(finding) = example {
        line!(out, "for example, of a rollout in which much went wrong")?;
        let mut text = Vec::new();
        eval::write(finding, &mut text)?;
        for line in String::from_utf8_lossy(&text).lines() {
            line!(out, "  {line}")?;
        }
    } else {
        line!(out, "a finding is a message, or has code and message, and perhaps tenants, observed, expected and at")?;
    }
    for Source { file, text } in sources {
        line!(out)?;
        line!(out, "{file}")?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.replace('\t', "    ");
            line!(out, "{}", format!("{number:>5}  {line}").trim_end())?;
        }
    }
    Ok(())
}
