//! For a person at a terminal.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::error::report::ErrorReport;
use crate::io::config::ModeName;
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::model::document::{FleetSource, Role};
use crate::model::finding::{Finding, Severity};
use crate::render::comparison::comparison;
use crate::render::view::View;
use crate::render::words::{
    DECIDED, MAX_PROBLEMS, NO_VERDICT, counts, downgrades, headline, more_problems, problem_lines, verdict, waiver_note,
};
use crate::report::comparison::Comparison;
use crate::report::stragglers::Straggler;
use crate::report::{Policy, Report};
use crate::text::escape::{MAX_NAMES, for_line, for_terminal, names_of, place};
use crate::text::json::spaced;
use crate::text::wrap::wrap;

/// How many stragglers a finding lists before it is shortened.
const MAX_LISTED: usize = 20;

/// How far the text of a finding is indented.
const INDENT: usize = 8;

/// How many columns a text has beside what it stands beside; else it stands below.
const MIN_ROOM: usize = 24;

/// Writes the verdict for a person.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    first_line(report, view, out)?;
    let mut page = Page { view, out };
    for sentence in downgrades(report) {
        page.paragraph("  ", 4, &sentence)?;
    }
    page.findings(&report.findings, &report.stragglers_by_name())?;
    writeln!(page.out)?;
    page.footer(report)
}

/// Writes the verdict and its headline alone.
pub fn first_line(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    verdict_line(report.decision, &headline(report), view, out)
}

/// Writes a verdict and a sentence about it.
pub fn verdict_line(decision: Decision, text: &str, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { view, out };
    let word = page.painted(verdict(decision), verdict_style(decision));
    page.fitted(&format!("{word}  "), 2, text, view.line_width)
}

/// Writes why there is no verdict; nothing where standard error, which says it, is read beside it.
pub fn error(report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    if view.beside_errors {
        return Ok(());
    }
    let mut page = Page { view, out };
    let word = page.painted(NO_VERDICT, verdict_style(Decision::Fail));
    writeln!(page.out, "{word}  {}", report.meaning)?;
    let label = page.painted("error", severity_style(Severity::Deny));
    for problem in report.problems.iter().take(MAX_PROBLEMS) {
        writeln!(page.out)?;
        for (i, line) in problem_lines(problem, for_terminal).iter().enumerate() {
            let start = if i == 0 { format!("  {label}   ") } else { " ".repeat(INDENT + 2) };
            page.paragraph(&start, INDENT + 2, line)?;
        }
        if let Some(help) = &problem.help {
            page.labelled("next", &for_terminal(help))?;
        }
    }
    if let Some(more) = more_problems(report) {
        writeln!(page.out, "\n  {more}")?;
    }
    match report.more_help() {
        Some(help) => {
            writeln!(page.out)?;
            page.labelled("next", &for_terminal(help))
        }
        None => Ok(()),
    }
}

/// Writes findings for a person.
///
/// # Errors
/// Those of `out`.
pub fn findings(findings: &[Finding], view: &View, out: &mut dyn Write) -> io::Result<()> {
    Page { view, out }.findings(findings, &HashMap::new())
}

struct Page<'a> {
    view: &'a View,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    /// Text in a style, escaped.
    fn painted(&self, text: &str, style: Style) -> String {
        let text = for_terminal(text);
        if self.view.color { format!("{style}{text}{style:#}") } else { text }
    }

    fn findings(&mut self, findings: &[Finding], stragglers_by_name: &HashMap<&str, &Straggler>) -> io::Result<()> {
        let mut listed = HashSet::new();
        findings.iter().try_for_each(|finding| {
            writeln!(self.out)?;
            self.finding(stragglers_by_name, finding, &mut listed)
        })
    }

    fn finding(
        &mut self,
        stragglers_by_name: &HashMap<&str, &Straggler>,
        finding: &Finding,
        listed: &mut HashSet<Text>,
    ) -> io::Result<()> {
        let severity = finding.severity.name();
        let label = self.painted(severity, severity_style(finding.severity));
        let code = self.painted(&finding.code, Style::new().bold());
        let gap = " ".repeat(INDENT.saturating_sub(2 + severity.width()).max(2));
        let start = format!("  {label}{gap}{code}  ");
        self.paragraph(&start, INDENT + 2, &finding.message)?;
        if let Some(but) = waiver_note(finding) {
            self.labelled("but", &but)?;
        }

        let (stragglers, others): (Vec<_>, Vec<_>) = finding
            .tenants
            .iter()
            .partition(|tenant| stragglers_by_name.contains_key(&***tenant) && !listed.contains(*tenant));
        let stragglers: Vec<&Straggler> =
            stragglers.iter().filter_map(|tenant| stragglers_by_name.get(&***tenant).copied()).collect();
        if !stragglers.is_empty() {
            listed.extend(stragglers.iter().map(|straggler| straggler.tenant.clone()));
            self.stragglers(&stragglers)?;
        }
        if !others.is_empty() {
            let mut line = names_of(others.iter());
            if others.len() > MAX_NAMES {
                line.push_str("; --format json names all");
            }
            self.labelled("who", &line)?;
        }
        if let (true, Some(observed)) = (self.view.errors, &finding.observed) {
            self.labelled("seen", &spaced(observed))?;
        }
        if let Some(at) = &finding.at {
            self.labelled("at", &place(at))?;
        }
        self.labelled("rule", &format!("{}:{}", finding.rule.file, finding.rule.line))?;
        match &finding.remedy {
            Some(remedy) => self.labelled("next", remedy.trim()),
            None => Ok(()),
        }
    }

    fn stragglers(&mut self, stragglers: &[&Straggler]) -> io::Result<()> {
        let shown = &stragglers[..stragglers.len().min(MAX_LISTED)];
        let names: Vec<String> = shown.iter().map(|straggler| for_terminal(&straggler.tenant)).collect();
        let widest = names.iter().map(|name| name.width()).max().unwrap_or(0).min(40);
        let states: Vec<String> = shown.iter().map(|straggler| for_terminal(&straggler.state)).collect();
        let state_width = states.iter().map(|state| state.width()).max().unwrap_or(0);
        for ((straggler, name), state) in shown.iter().zip(&names).zip(&states) {
            let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.width()) + 2);
            let start = format!(
                "{:INDENT$}{}{}{}{}",
                "",
                self.painted(name, Style::new().bold()),
                pad(name, widest),
                state,
                pad(state, state_width),
            );
            let mut reason = straggler.reason.clone();
            if let Some(source) = &straggler.source {
                reason.push_str(&format!("  {}", place(&format!("{}#{}", source.input, source.pointer))));
            }
            self.paragraph(&start, INDENT + widest + state_width + 4, &reason)?;
        }
        match stragglers.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(self.out, "{:INDENT$}and {more} more; --format json names all", ""),
        }
    }

    fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        let start =
            format!("{:INDENT$}{}{:gap$}", "", self.painted(label, Style::new().dimmed()), "", gap = 6 - label.len());
        self.paragraph(&start, INDENT + 6, text)
    }

    /// A paragraph whose lines are indented by its start. The start is escaped already, the text is escaped here.
    fn paragraph(&mut self, start: &str, hang: usize, text: &str) -> io::Result<()> {
        self.fitted(start, hang, text, self.view.width)
    }

    fn fitted(&mut self, start: &str, hang: usize, text: &str, width: usize) -> io::Result<()> {
        // The start may hold colours, which are no columns: wrap after a blank of its width.
        let plain = anstream::adapter::strip_str(start).to_string();
        let room = width.saturating_sub(MIN_ROOM);
        let blank = " ".repeat(plain.width());
        let hang = " ".repeat(if hang > room { INDENT + 2 } else { hang });
        let text = for_line(text);
        if plain.width() > room {
            writeln!(self.out, "{}", start.trim_end())?;
            return wrap(&text, width, &hang, &hang).into_iter().try_for_each(|line| writeln!(self.out, "{line}"));
        }
        let mut lines = wrap(&text, width, &blank, &hang).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(self.out, "{start}{}", first.get(blank.len()..).unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// Parts one after the other, with `between` each two, over as many lines as they take; none of them is broken.
    fn row(&mut self, parts: &[String], between: &str) -> io::Result<()> {
        let mut line = String::new();
        for (i, part) in parts.iter().enumerate() {
            let part =
                if i + 1 < parts.len() { format!("{}{between}", for_terminal(part)) } else { for_terminal(part) };
            if 2 + line.width() + part.trim_end().width() > self.view.width.max(40) && !line.is_empty() {
                writeln!(self.out, "  {}", line.trim_end())?;
                line.clear();
            }
            line.push_str(&part);
        }
        writeln!(self.out, "  {}", line.trim_end())
    }

    fn footer(&mut self, report: &Report) -> io::Result<()> {
        let summary = &report.summary;
        let nobody = summary.fleet_source == FleetSource::None;
        let mut parts = if nobody { Vec::new() } else { counts(report) };
        parts.extend(match (summary.fleet_source, report.input(Role::Fleet)) {
            (FleetSource::File, Some(name)) => Some(format!("fleet {}, from {name}", summary.fleet)),
            (FleetSource::Response, _) => Some(format!("fleet {}, guessed from the response", summary.fleet)),
            (FleetSource::PlanCall, _) => Some(format!("fleet {}, from the plan call", summary.fleet)),
            // Nothing was to be rolled out: gates alone were asked, or the plan is disabled.
            (FleetSource::None, _) if summary.target.is_none() => None,
            (FleetSource::None, _) => Some("nobody was enumerated".to_owned()),
            (FleetSource::File, None) => Some(format!("fleet {}", summary.fleet)),
        });
        if !parts.is_empty() {
            self.row(&parts, "   ")?;
        }
        let policies = report.policies.iter().map(|policy| {
            let name = policy.package.strip_prefix("rollproof.").unwrap_or(&policy.package);
            let parts: Vec<String> = Severity::ALL
                .into_iter()
                .map(|severity| (severity, report.findings.iter().filter(|f| counts_for(f, severity, policy)).count()))
                .filter(|(_, many)| *many > 0)
                .map(|(severity, many)| format!("{many} {}", severity.name()))
                .chain(waived(report, policy))
                .collect();
            let silent = match policy.mode {
                Some(ModeName::Off) => "off",
                _ => policy.not_applicable.as_deref().unwrap_or("ok"),
            };
            format!("{name} {}", if parts.is_empty() { silent.into() } else { parts.join(", ") })
        });
        self.row(&policies.collect::<Vec<_>>(), " · ")?;
        if let Some(basis) = &report.basis {
            self.hashed(&basis.digest, DECIDED)?;
        }
        report.inputs.iter().try_for_each(|input| self.hashed(&input.sha256, &input.name))?;
        report.compared.as_ref().map_or(Ok(()), |compared| self.comparison(compared))
    }

    fn comparison(&mut self, compared: &Comparison) -> io::Result<()> {
        writeln!(self.out)?;
        for (label, text) in comparison(compared) {
            let start = format!("  {}  ", self.painted(&format!("{label:8}"), Style::new().dimmed()));
            self.paragraph(&start, INDENT + 4, &text)?;
        }
        Ok(())
    }

    /// What a SHA-256 is of, after the first digits of it.
    fn hashed(&mut self, sha256: &str, what: &str) -> io::Result<()> {
        let start = format!("  sha256 {}  ", sha256.get(..12).unwrap_or(sha256));
        self.paragraph(&self.painted(&start, Style::new().dimmed()), 2, what)
    }
}

fn counts_for(finding: &Finding, severity: Severity, policy: &Policy) -> bool {
    finding.policy == policy.package && finding.severity == severity && finding.waived.is_none()
}

fn waived(report: &Report, policy: &Policy) -> Option<String> {
    let waived = |finding: &&Finding| finding.policy == policy.package && finding.waived.is_some();
    match report.findings.iter().filter(waived).count() {
        0 => None,
        many => Some(format!("{many} waived")),
    }
}

/// How a verdict is painted.
fn verdict_style(decision: Decision) -> Style {
    let color = match decision {
        Decision::Pass => AnsiColor::Green,
        Decision::Fail => AnsiColor::Red,
        Decision::Inconclusive | Decision::NotAsserted => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(color.into()))
}

fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Deny => AnsiColor::Red,
        Severity::Inconclusive | Severity::Warn => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    Style::new().fg_color(Some(color.into()))
}
