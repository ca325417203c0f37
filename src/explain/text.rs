//! An explanation for a person.

use std::io::{self, Write};

use anstyle::Style;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::explain::code::Code;
use crate::explain::details::{CallDetails, ExplainedFinding};
use crate::explain::explanation::Explanation;
use crate::explain::tenant::Tenant;
use crate::explain::verdict::Verdict;
use crate::model::document::text::Field;
use crate::model::document::{Document, FleetSource, Outcome, Purpose};
use crate::policy::source::RuleText;
use crate::render::text::verdict_line;
use crate::render::view::View;
use crate::render::words::verdict;
use crate::report::counterfactual::Counterfactuals;
use crate::text::escape::{for_line, for_terminal, line, names_of, place};
use crate::text::json::spaced;
use crate::text::plural::plural;
use crate::text::wrap::wrap;

/// How far the text after a label is indented.
const INDENT: usize = 12;

/// How many changes are shown.
const MAX_COUNTERFACTUALS: usize = 12;

/// How many stragglers, and calls, are shown.
const MAX_LISTED: usize = 20;

/// Writes an explanation for a person.
pub fn render(explanation: &Explanation, document: &Document, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { view, out, secrets: if view.errors { Vec::new() } else { secrets(document) } };
    if let Some(tenant) = &explanation.tenant {
        page.tenant(tenant)?;
    }
    if let Some(code) = &explanation.code {
        page.code(code)?;
    }
    verdict_line(explanation.decision, &explanation.headline, view, page.out)?;
    if let Some(verdict) = &explanation.verdict {
        page.verdict(explanation, verdict)?;
    }
    explanation.left_out.iter().try_for_each(|what| page.line("left out", what))
}

/// The raw error texts of the evidence.
fn secrets(document: &Document) -> Vec<String> {
    let rows = document.cohorts.iter().flat_map(|cohort| &cohort.rows).filter_map(|row| row.error.given());
    let attempts = document.calls.iter().flat_map(|call| &call.attempts);
    let attempts = attempts.flat_map(|attempt| {
        let reason = attempt.failure.as_ref().map(|failure| &failure.reason);
        attempt.error.iter().chain(&attempt.malformed).filter(move |text| Some(*text) != reason)
    });
    let archive =
        document.archive.iter().flat_map(|archive| archive.error.given().into_iter().chain(archive.message.given()));
    let mut texts: Vec<String> =
        rows.chain(attempts).chain(archive).map(ToString::to_string).filter(|text| !text.trim().is_empty()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Keys of the evidence whose texts are always shown.
const ALWAYS_SHOWN: [&str; 5] = ["ssm_status", "running_image", "tenants", "slug", "phase"];

/// How long an error text must be, in characters, to be looked for inside of other texts.
const MIN_QUOTED: usize = 8;

struct Page<'a> {
    view: &'a View,
    out: &'a mut dyn Write,
    /// Error texts that are not shown.
    secrets: Vec<String>,
}

impl Page<'_> {
    fn strong(&self, text: &str) -> String {
        self.painted(text, Style::new().bold())
    }

    /// Text in a style, escaped.
    fn painted(&self, text: &str, style: Style) -> String {
        let text = for_terminal(text);
        if self.view.color { format!("{style}{text}{style:#}") } else { text }
    }

    /// A label and the text after it, over as many lines as it takes; both are escaped here.
    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        let text = for_line(text);
        let painted = self.painted(label, Style::new().dimmed());
        let gap = " ".repeat(INDENT.saturating_sub(2 + label.width()));
        let blank = " ".repeat(INDENT);
        let mut lines = wrap(&text, self.view.width, &blank, &blank).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(self.out, "  {painted}{gap}{}", first.get(INDENT..).unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// Lines as they are, such as those of a rule.
    fn lines(&mut self, from: u32, text: &str) -> io::Result<()> {
        for (number, line) in (from..).zip(text.lines()) {
            line!(self.out, "  {number:>8}  {}", line.replace('\t', "    "))?;
        }
        Ok(())
    }

    /// A value on one line, without raw error texts.
    fn value(&self, value: &Value) -> String {
        spaced(&self.masked("", value))
    }

    /// A value with this key, without raw error texts.
    fn masked(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if self.is_error(key, text) => "(an error text; --show-errors shows it)".into(),
            Value::Array(list) => list.iter().map(|value| self.masked(key, value)).collect(),
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| (key.clone(), self.masked(key, value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    /// Whether a text with this key is or holds a raw error text. The texts of [`ALWAYS_SHOWN`] are shown even if an error is
    /// spelt like one.
    fn is_error(&self, key: &str, text: &str) -> bool {
        if ALWAYS_SHOWN.contains(&key) {
            return false;
        }
        let is_secret =
            |secret: &String| text == secret || (secret.chars().count() >= MIN_QUOTED && text.contains(&**secret));
        self.secrets.iter().any(is_secret)
    }

    fn verdict(&mut self, explanation: &Explanation, verdict: &Verdict) -> io::Result<()> {
        writeln!(self.out)?;
        for input in &explanation.inputs {
            let role = serde_json::to_value(input.role).unwrap_or_default();
            let role = role.as_str().unwrap_or_default();
            let hash = input.sha256.get(..12).unwrap_or(&input.sha256);
            self.line("input", &format!("{} ({role}, {} bytes, sha256 {hash})", input.name, input.bytes))?;
        }
        let by = match verdict.fleet_source {
            FleetSource::PlanCall => "enumerated by the plan call",
            FleetSource::File => "enumerated in a file",
            FleetSource::Response => "guessed from the response",
            FleetSource::None => "enumerated by nobody",
        };
        self.line("fleet", &format!("{}, {by}", plural(verdict.summary.fleet, "tenant")))?;
        let outcome = match verdict.outcome {
            Outcome::Running => "is under way",
            Outcome::Completed => "made every call",
            Outcome::Halted => "was halted",
            Outcome::Interrupted => "was interrupted",
            Outcome::Unknown => "ended in a way that is not recorded: the evidence is an archived response",
        };
        let because = verdict.because.as_ref().map_or_else(String::new, |because| format!(": {because}"));
        self.line("rollout", &format!("{outcome}{because}"))?;
        self.calls(&verdict.calls)?;
        let states: Vec<String> =
            verdict.summary.states.iter().map(|(state, many)| format!("{many} {state}")).collect();
        self.line("states", &states.join(", "))?;
        for straggler in verdict.stragglers.iter().take(MAX_LISTED) {
            let name = &straggler.tenant;
            self.line("straggler", &format!("{name}  {}: {}", straggler.state, straggler.reason))?;
        }
        if verdict.stragglers.len() > MAX_LISTED {
            self.line("", &format!("and {} more; --format json names all", verdict.stragglers.len() - MAX_LISTED))?;
        }
        for finding in &verdict.findings {
            self.finding(finding)?;
        }
        self.counterfactuals(&verdict.counterfactuals)
    }

    fn calls(&mut self, calls: &[CallDetails]) -> io::Result<()> {
        for call in calls.iter().take(MAX_LISTED) {
            let purpose = match call.purpose {
                Purpose::Plan => "plan",
                Purpose::Canary => "canary",
                Purpose::Batch => "batch",
            };
            let ok = match call.ok {
                Field::Given(ok) => ok.to_string(),
                Field::Null => "null".into(),
                Field::Absent => "absent".into(),
            };
            let tenants = plural(call.tenants, "tenant");
            let named = if call.purpose == Purpose::Plan { String::new() } else { format!(", {tenants}") };
            self.line("call", &format!("{} ({purpose}{named}), ok: {ok}", call.call))?;
            for (i, attempt) in call.attempts.iter().enumerate() {
                let at = attempt.at.as_ref().map_or_else(String::new, |at| format!("at {at}, "));
                let status = attempt.status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
                let took = attempt
                    .duration_ms
                    .map_or_else(|| ", never seen to end".into(), |took| format!(" after {took} ms"));
                let wrong = match (&attempt.malformed, &attempt.error) {
                    (Some(_), _) => ", malformed",
                    (None, Some(_)) => ", with an error",
                    (None, None) => "",
                };
                let reason = attempt.failure.as_ref().map(|failure| &failure.reason);
                let text = attempt.malformed.as_ref().or(attempt.error.as_ref());
                let text = text.filter(|text| self.view.errors && Some(*text) != reason);
                let text = text.map_or_else(String::new, |text| format!(": {text}"));
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                self.line("", &format!("attempt {i}: {at}{status}{took}{wrong}{reason}{text}"))?;
            }
        }
        match calls.len().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => self.line("", &format!("and {}; --format json names all", plural(more, "more call"))),
        }
    }

    fn finding(&mut self, explained: &ExplainedFinding) -> io::Result<()> {
        let finding = &explained.finding;
        let code = &finding.code;
        let waived = if finding.waived.is_some() { " (waived)" } else { "" };
        self.line(finding.severity.name(), &format!("{code}{waived}: {}", finding.message))?;
        self.line("", &format!("{}:{}  {}", finding.rule.file, finding.rule.line, explained.description))
    }

    fn tenant(&mut self, tenant: &Tenant) -> io::Result<()> {
        let name = self.strong(&tenant.name);
        let state = match &tenant.state {
            Some(state) if state.reason.is_empty() => state.name.clone(),
            Some(state) => format!("{}: {}", state.name, state.reason),
            None => "the evidence only mentions it".to_owned(),
        };
        writeln!(self.out, "{name}  {}\n", for_line(&state))?;
        self.line("fleet", &tenant.enumerated.words)?;
        if !tenant.labels.is_empty() {
            let labels: Vec<String> = tenant.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            self.line("labels", &labels.join(", "))?;
        }
        self.calls(&tenant.calls)?;
        if tenant.rows.is_empty() {
            self.line("row", "none answers for it")?;
        }
        for row in &tenant.rows {
            let input = row.input.as_ref().map_or_else(String::new, |input| format!("{input}#"));
            let at = row.pointer.as_deref().map(|pointer| place(&format!("{input}{pointer}")).into_owned());
            let at = at.as_deref().unwrap_or("(the document does not say where)");
            let counts = if row.counts { "counts" } else { "does not count" };
            self.line("row", &format!("{at}  {counts}: {}", row.why))?;
            let shown = self.value(&serde_json::to_value(&row.row).unwrap_or_default());
            self.line("", &shown)?;
        }
        if let Some(state) = &tenant.state {
            let proven = if state.proven { "proven" } else { "not proven" };
            self.line("state", &format!("{}, so it is {proven}", state.name))?;
            if let Some(rule) = &state.rule {
                let line = state.line.unwrap_or(rule.line);
                self.line("", &format!("{}:{line}  {}: {}", rule.file, rule.title, rule.description))?;
            }
        }
        let mut silent = Vec::new();
        for policy in &tenant.policies {
            if policy.findings.is_empty() {
                silent.push(policy.package.strip_prefix("rollproof.").unwrap_or(&policy.package));
            }
            for finding in &policy.findings {
                self.finding(finding)?;
            }
        }
        self.line("silent", &silent.join(", "))?;
        match &tenant.counterfactuals {
            Some(counterfactuals) => self.counterfactuals(counterfactuals)?,
            None => self.line("passes", "nothing stands against it")?,
        }
        writeln!(self.out)
    }

    /// The rules that gave a code. Where none did, every rule that may.
    fn rules_of(&mut self, code: &Code) -> io::Result<()> {
        let gave_finding =
            |rule: &&RuleText| code.held.iter().any(|held| held.file == rule.file && held.line == rule.line);
        let (gave, others): (Vec<&RuleText>, Vec<&RuleText>) = code.rules.iter().partition(gave_finding);
        let (shown, left_out) = if gave.is_empty() { (others, 0) } else { (gave, others.len()) };
        for rule in shown {
            self.rule(rule)?;
        }
        match left_out {
            0 => Ok(()),
            1 => self.line("", "1 other rule may say it; --format json shows it"),
            many => self.line("", &format!("{many} other rules may say it; --format json shows them")),
        }
    }

    fn code(&mut self, code: &Code) -> io::Result<()> {
        let name = self.strong(&code.code);
        let times = match code.findings.len() {
            0 => "is not said of this evidence".to_owned(),
            1 => "is said of this evidence".to_owned(),
            many => format!("is said {many} times of this evidence"),
        };
        writeln!(self.out, "{name}  {times}\n")?;
        for explained in &code.findings {
            let finding = &explained.finding;
            self.line(finding.severity.name(), &finding.message)?;
            if !finding.tenants.is_empty() {
                self.line("", &names_of(finding.tenants.iter()))?;
            }
        }
        self.rules_of(code)?;
        for held in &code.held {
            let times = if held.times == 1 { "once".to_owned() } else { format!("{} times", held.times) };
            let place = format!("{} at {}:{}", held.rule, held.file, held.line);
            let has_values = held.values.iter().filter_map(Value::as_object).any(|variables| !variables.is_empty());
            let with = if has_values { "with these values:" } else { "and has no variable to show." };
            self.line("held", &format!("{place} held {times}, {with}"))?;
            for value in &held.values {
                for (variable, value) in value.as_object().into_iter().flatten() {
                    let value = self.value(value);
                    self.line("", &format!("{variable} = {value}"))?;
                }
            }
        }
        if let Some(counterfactuals) = &code.counterfactuals {
            self.counterfactuals(counterfactuals)?;
        }
        if let Some(minimal) = &code.minimal {
            let changed = match minimal.changes.as_slice() {
                [] => String::new(),
                changes => format!(", where {}", changes.join(" and ")),
            };
            let which = if minimal.made_up { "a document, made up," } else { "a document" };
            self.line("smallest", &format!("{which} on which it is said{changed}:"))?;
            let mut document = minimal.document.clone();
            let cohorts = document["cohorts"].as_array_mut();
            let more = cohorts.map_or(0, |cohorts| cohorts.drain(cohorts.len().min(MAX_LISTED)..).count());
            for line in format!("{:#}", self.masked("", &document)).lines() {
                line!(self.out, "            {line}")?;
            }
            if more > 0 {
                self.line("", &format!("and {}; --format json has all", plural(more, "more cohort")))?;
            }
        }
        writeln!(self.out)
    }

    fn rule(&mut self, rule: &RuleText) -> io::Result<()> {
        self.line("rule", &format!("{}.{} at {}:{}", rule.package, rule.rule, rule.file, rule.line))?;
        let described = [&*rule.title, &*rule.description].into_iter().filter(|text| !text.is_empty());
        let described = described.collect::<Vec<_>>().join(": ");
        if !described.is_empty() {
            self.line("", &described)?;
        }
        self.lines(rule.line, &rule.text)
    }

    fn counterfactuals(&mut self, counterfactuals: &Counterfactuals) -> io::Result<()> {
        let goal = &counterfactuals.goal;
        if counterfactuals.found.is_empty() {
            let bound = if counterfactuals.complete { "" } else { ", and there are more" };
            return self.line(
                "turn",
                &format!("{goal} by none of {} changes and pairs of changes{bound}", counterfactuals.tried),
            );
        }
        self.line("turn", &format!("{goal} if"))?;
        for counterfactual in counterfactuals.found.iter().take(MAX_COUNTERFACTUALS) {
            let then = format!("({})", verdict(counterfactual.decision));
            self.line("", &format!("- {} {then}", counterfactual.sentence()))?;
        }
        match counterfactuals.found.len().saturating_sub(MAX_COUNTERFACTUALS) {
            0 => Ok(()),
            more => self.line("", &format!("and {more} more; --format json names all")),
        }
    }
}
