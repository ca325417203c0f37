//! SARIF 2.1.0, the form of findings that code scanning reads: a rule a code, a result a finding, and one of its own for
//! every straggler that a finding names first, so that an alert lives as long as its tenant is behind.
//!
//! What is waived is suppressed. The limits are those that GitHub documents: 5,000 results are shown, 255 characters of a
//! rule's name, 1,024 of its descriptions, one location a result.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::log::{
    Artifact, ArtifactLocation, Configuration, Driver, FoundProperties, Invocation, Level, Location, Log,
    LogicalLocation, Message, Notification, PhysicalLocation, Region, Rule, Run, RunProperties, SarifResult,
    Suppression, Tool,
};
use crate::error::report::{ErrorReport, Problem as ReportedProblem};
use crate::model::decision::Decision;
use crate::model::document::{InputFile, Role};
use crate::model::finding::{Finding, Severity};
use crate::render::view::View;
use crate::render::words::{
    MAX_PROBLEMS, NO_VERDICT, downgrades, headline, more_problems, problem_lines, sentence, verdict, waiver_note,
};
use crate::report::Report;
use crate::report::stragglers::Straggler;
use crate::text::escape::{clipped, for_sarif, for_terminal, write_json};

pub(crate) mod checked;
mod log;

/// Where the schema is published.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// How columns are counted.
const COLUMN_KIND: &str = "unicodeCodePoints";

/// How many results there are at the most.
const MAX_RESULTS: usize = 5_000;

/// How many characters a rule's identifier and its name may have.
const MAX_NAME: usize = 255;

/// How many characters a message, or a rule's description, may have.
const MAX_TEXT: usize = 1_024;

/// All of a path that stands as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes one run of one tool.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let results = Results::of(report, view);
    let run = Run {
        artifacts: Some(report.inputs.iter().map(|input| artifact(input, view)).collect()),
        column_kind: COLUMN_KIND,
        invocations: [invocation(report, results.left_out)],
        properties: RunProperties { decision: report.decision },
        results: results.found,
        tool: tool(rules(&report.findings)),
    };
    write(run, out)
}

/// Writes one run that has not succeeded, and a notification for each problem.
pub fn error(report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.in_repository(|name| view.repository.name_from_root(name));
    let headline = format!("{NO_VERDICT}: {}", report.meaning);
    let mut notifications = vec![notification(Level::Error, &headline)];
    notifications.extend(report.problems.iter().take(MAX_PROBLEMS).map(problem));
    let last = more_problems(report).into_iter().chain(report.more_help().map(|help| format!("Next: {help}")));
    notifications.extend(last.map(|text| notification(Level::Note, &text)));
    let invocation = Invocation {
        execution_successful: false,
        exit_code: Some(report.exit_code),
        tool_execution_notifications: notifications,
    };
    let run = Run {
        artifacts: None,
        column_kind: COLUMN_KIND,
        invocations: [invocation],
        properties: RunProperties { decision: report.decision },
        results: Vec::new(),
        tool: tool(Vec::new()),
    };
    write(run, out)
}

fn problem(problem: &ReportedProblem) -> Notification {
    let text = problem_lines(problem, str::to_owned).into_iter();
    let text: Vec<String> = text.chain(problem.help.as_ref().map(|help| format!("Next: {help}"))).collect();
    let mut notification = notification(Level::Error, &text.join(" "));
    let place = problem.file().map(|input| {
        let mut place = location(input, problem.pointer.as_deref());
        let region = &mut place.physical_location.region;
        region.start_line = problem.line.unwrap_or(region.start_line);
        region.start_column = problem.column;
        place
    });
    notification.locations = Some(place.into_iter().collect());
    notification
}

fn tool(rules: Vec<Rule>) -> Tool {
    Tool { driver: Driver { name: "rollproof", rules, semantic_version: env!("CARGO_PKG_VERSION") } }
}

fn write(run: Run<impl Serialize>, out: &mut dyn Write) -> io::Result<()> {
    write_json(out, &Log { schema: SCHEMA, runs: [run], version: "2.1.0" })
}

fn notification(level: Level, text: &str) -> Notification {
    Notification { level, locations: None, message: message(text) }
}

fn message(text: &str) -> Message {
    Message { text: short_text(text) }
}

fn short_text(text: &str) -> String {
    clipped(&for_sarif(text), MAX_TEXT).into_owned()
}

const fn level(severity: Severity) -> Level {
    match severity {
        Severity::Deny | Severity::Inconclusive => Level::Error,
        Severity::Warn => Level::Warning,
        Severity::Note => Level::Note,
    }
}

/// A rule for each code that is found.
fn rules(findings: &[Finding]) -> Vec<Rule> {
    let mut known = HashSet::new();
    let first = findings.iter().filter(|finding| known.insert(&*finding.code));
    let rule = |finding: &Finding| {
        let Finding { code, severity, title, description, policy, rule, remedy, .. } = finding;
        let place = format!("{policy}, {}:{}", rule.file, rule.line);
        let remedy = remedy.as_deref().map(str::trim);
        let help = remedy.map_or_else(|| place.clone(), |remedy| format!("{remedy} ({place})"));
        let title = if title.is_empty() { code } else { title };
        let description = if description.is_empty() { title } else { description };
        Rule {
            default_configuration: Configuration { level: level(*severity) },
            full_description: message(description),
            help: message(&help),
            id: clipped(code, MAX_NAME).into_owned(),
            name: clipped(&pascal_case(code), MAX_NAME).into_owned(),
            short_description: message(title),
        }
    };
    first.map(rule).collect()
}

/// `coverage.incomplete` is `CoverageIncomplete`.
fn pascal_case(code: &str) -> String {
    let words = code.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    words.map(capital).collect::<Vec<String>>().concat()
}

/// What is said about the run as a whole: the verdict, policies that weigh less, what is left out.
fn invocation(report: &Report, left_out: usize) -> Invocation {
    let verdict_level = match report.decision {
        Decision::Pass => Level::Note,
        Decision::NotAsserted => Level::Warning,
        Decision::Fail | Decision::Inconclusive => Level::Error,
    };
    let verdict = format!("{}: {}", verdict(report.decision), headline(report));
    let mut notifications = vec![notification(verdict_level, &verdict)];
    notifications.extend(downgrades(report).iter().map(|sentence| notification(Level::Warning, sentence)));
    if left_out > 0 {
        let text = format!("{left_out} more results are left out; the JSON report has all");
        notifications.push(notification(Level::Warning, &text));
    }
    Invocation { execution_successful: true, exit_code: None, tool_execution_notifications: notifications }
}

fn artifact(input: &InputFile, view: &View) -> Artifact {
    Artifact {
        hashes: BTreeMap::from([("sha-256", input.sha256.to_string())]),
        length: input.bytes,
        location: artifact_location(&view.repository.name_from_root(&input.name)),
    }
}

/// A path as GitHub wants it: relative to the repository's root, as `name` is, or an absolute `file:` URI.
fn artifact_location(name: &str) -> ArtifactLocation {
    let path = utf8_percent_encode(name, PATH).to_string();
    if path.starts_with('/') {
        ArtifactLocation { uri: format!("file://{path}"), uri_base_id: None }
    } else {
        ArtifactLocation { uri: path, uri_base_id: Some("%SRCROOT%") }
    }
}

/// A place in an input. No line is known: evidence is judged without the bytes that it came from.
fn location(input: &str, pointer: Option<&str>) -> Location {
    // A JSON pointer is how SARIF names a place inside JSON.
    let logical = |pointer| [LogicalLocation { fully_qualified_name: for_terminal(pointer), kind: "value" }];
    // Without a line GitHub shows nothing.
    let region = Region { end_column: None, start_column: None, start_line: 1 };
    Location {
        logical_locations: pointer.map(logical),
        physical_location: PhysicalLocation { artifact_location: artifact_location(input), region },
    }
}

/// Where a finding is to be seen: in the input that it names, or in the one that its section of the document came from.
fn place_of(report: &Report, finding: &Finding, view: &View) -> Option<Location> {
    let location = |input: &str, pointer| location(&view.repository.name_from_root(input), pointer);
    let name = |role| report.input(role).map(|name| &**name);
    // A rollout that is being driven has no other file yet than its plan.
    let evidence = || [Role::Response, Role::Journal, Role::Plan].into_iter().find_map(name);
    let Some(at) = &finding.at else { return Some(location(name(Role::Document).or_else(evidence)?, None)) };
    if let Some((input, pointer)) = at.split_once('#').filter(|(input, _)| !input.is_empty()) {
        return Some(location(input, Some(pointer)));
    }
    if let Some(document) = name(Role::Document) {
        return Some(location(document, Some(at)));
    }
    let section = match at.split('/').nth(1) {
        Some("rollout") => name(Role::Plan),
        Some("fleet") => name(Role::Fleet),
        Some("gates") if at.starts_with("/gates/plan") => name(Role::Plan),
        _ => None,
    };
    Some(location(section.or_else(evidence)?, None))
}

/// The results so far.
struct Results<'a> {
    report: &'a Report,
    stragglers_by_name: HashMap<&'a str, &'a Straggler>,
    view: &'a View,
    found: Vec<SarifResult>,
    /// How often each fingerprint has been seen.
    seen: HashMap<String, usize>,
    left_out: usize,
}

impl<'a> Results<'a> {
    fn of(report: &'a Report, view: &'a View) -> Self {
        let mut results = Self {
            report,
            stragglers_by_name: report.stragglers_by_name(),
            view,
            found: Vec::new(),
            seen: HashMap::new(),
            left_out: 0,
        };
        let mut named: HashSet<&str> = HashSet::new();
        for finding in &report.findings {
            let mut stragglers = Vec::new();
            for tenant in &finding.tenants {
                stragglers.extend(results.stragglers_by_name.get(&**tenant).filter(|_| named.insert(tenant)).copied());
            }
            if stragglers.len() < finding.tenants.len() || stragglers.is_empty() {
                results.finding(finding);
            }
            for straggler in stragglers {
                results.straggler(finding, straggler);
            }
        }
        results
    }

    fn finding(&mut self, finding: &Finding) {
        let text = sentence(finding, &self.stragglers_by_name, self.view.errors);
        self.add(finding, "", &text, place_of(self.report, finding, self.view));
    }

    fn straggler(&mut self, finding: &Finding, straggler: &Straggler) {
        let Straggler { tenant, state, reason, quarantined, source, .. } = straggler;
        let mut text = format!("{tenant} is {state}: {reason}");
        if *quarantined {
            text.push_str(&format!("; quarantined, {} tolerated", self.report.summary.tolerated));
        }
        if let Some(but) = waiver_note(finding) {
            text.push_str(&format!("; {but}"));
        }
        let name = |input: &str| self.view.repository.name_from_root(input);
        let place = match source {
            Some(source) => Some(location(&name(&source.input), Some(&source.pointer))),
            // No row answers for it: it is known from where it was enumerated.
            None => match self.report.input(Role::Fleet) {
                Some(fleet) => Some(location(&name(fleet), None)),
                None => place_of(self.report, finding, self.view),
            },
        };
        self.add(finding, tenant, &text, place);
    }

    fn add(&mut self, finding: &Finding, tenant: &str, text: &str, place: Option<Location>) {
        if self.found.len() == MAX_RESULTS {
            self.left_out += 1;
            return;
        }
        let Finding { code, severity, .. } = finding;
        let suppression = waiver_note(finding).filter(|_| finding.waived.is_some());
        let suppression = suppression.map(|why| Suppression {
            justification: short_text(&why),
            kind: "external",
            status: "accepted",
        });
        let result = SarifResult {
            fixes: None,
            kind: "fail",
            level: level(*severity),
            locations: place.into_iter().collect(),
            message: message(text),
            partial_fingerprints: BTreeMap::from([(FINGERPRINT, self.fingerprint(code, tenant))]),
            properties: FoundProperties { severity: *severity },
            rule_id: clipped(code, MAX_NAME).into_owned(),
            // Where one result says so, all of them have to.
            suppressions: suppression.into_iter().collect(),
        };
        self.found.push(result);
    }

    /// The same finding about the same tenant is the same alert, from one rollout to the next.
    fn fingerprint(&mut self, code: &str, tenant: &str) -> String {
        let hash = Sha256::digest(format!("{code}\0{tenant}"));
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let seen = self.seen.entry(hash.clone()).or_default();
        *seen += 1;
        format!("{hash}:{seen}")
    }
}

/// What GitHub tells alerts apart by.
const FINGERPRINT: &str = "primaryLocationLineHash";
