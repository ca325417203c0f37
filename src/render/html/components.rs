//! Small parts that more than one section shows.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::declared::params::ParamSource;
use crate::io::config::ModeName;
use crate::model::document::Row;
use crate::model::document::text::{Field, Map, Text};
use crate::model::finding::Severity;
use crate::report::{ParamValue, Policy, Report};
use crate::text::escape::for_page;

/// Text from elsewhere: what is invisible becomes visible; the template escapes the rest.
pub fn shown(text: &str) -> String {
    for_page(text)
}

/// A sentence from elsewhere: a name or a path in it stands in one line, and what stands between backticks is code.
pub fn prose(text: &str) -> Markup {
    let text = shown(text);
    let mut parts: Vec<&str> = text.split('`').collect();
    // A backtick without another is one.
    let rest = if parts.len().is_multiple_of(2) { parts.pop() } else { None };
    html! {
        @for (i, part) in parts.iter().enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (words(part)) }
        }
        @if let Some(rest) = rest { "`" (words(rest)) }
    }
}

fn words(text: &str) -> Markup {
    html! {
        @for (i, word) in text.split(' ').enumerate() {
            @if i > 0 { " " }
            @if word.contains(['-', '/']) { span.whole { (word) } } @else { (word) }
        }
    }
}

/// The labels of tenants.
pub fn labels(labels: &Map<Text>) -> String {
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    shown(&labels.join(", "))
}

/// A table that may be wider than the window, which is said where it is.
pub fn scroll(label: &str, table: &Markup) -> Markup {
    html! {
        p.sideways { "There are more columns to the right: scroll the table sideways." }
        div.scroll tabindex="0" role="region" aria-label=(label) { (table) }
    }
}

/// A number with its thousands apart.
pub fn count(many: u64) -> String {
    let digits = many.to_string();
    let mut apart = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// `1 tenant`, `12 tenants`.
pub fn tenants(many: u64) -> String {
    if many == 1 { "1 tenant".into() } else { format!("{} tenants", count(many)) }
}

/// Milliseconds in words, as exact as a person cares.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 if ms % 1000 < 50 => format!("{seconds} s"),
        1000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A time stamp to the minute; as it is, where it is none.
pub fn minute(at: &str) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => shown(at),
    }
}

/// The name of a proof state in the style and among the symbols.
pub fn class(state: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["verified", "assumed", "off_target", "errored", "dry_run", "unreached", "missing"];
    KNOWN.into_iter().find(|known| *known == state).unwrap_or("other")
}

/// What a proof state means (design section 3).
pub fn meaning(state: &str) -> &'static str {
    match state {
        "verified" => "seen running the target",
        "assumed" => "an older control plane cannot say; nothing speaks against it",
        "off_target" => "seen running something else, or not seen on the target",
        "errored" => "the row reports a failure",
        "dry_run" => "only dry-run rows, which prove nothing",
        "unreached" => "no row answers for it",
        _ => "a state of your own policies",
    }
}

/// The symbol of a proof state. The state is named beside it.
pub fn symbol(state: &str) -> Markup {
    let name = class(state);
    html! { svg.symbol.{ "s-" (name) } width="12" height="12" aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// What a row says, but its error's text.
pub fn evidence(row: Option<&Row>) -> String {
    let Some(row) = row else { return "–".into() };
    let mut parts = Vec::new();
    match &row.ssm_status {
        Field::Given(status) => parts.push(status.to_string()),
        Field::Null => parts.push("status null".into()),
        Field::Absent => {}
    }
    match row.ssm_exit_code {
        Field::Given(code) => parts.push(format!("exit {code}")),
        Field::Null => parts.push("exit null".into()),
        Field::Absent => {}
    }
    match row.healthz_ok {
        Field::Given(true) => parts.push("healthy".into()),
        Field::Given(false) => parts.push("not healthy".into()),
        Field::Null => parts.push("health null".into()),
        Field::Absent => {}
    }
    parts.push(match row.verified_on_target {
        Field::Given(true) => "on target".into(),
        Field::Given(false) => "not on target".into(),
        Field::Null => "on target: null".into(),
        Field::Absent => "on target: does not say".into(),
    });
    if let Field::Given(image) = &row.running_image {
        parts.push(format!("image {image}"));
    }
    if row.error.given().is_some_and(|error| !error.trim().is_empty()) {
        parts.push("an error".into());
    }
    shown(&parts.join(", "))
}

/// How much a policy weighs, and why.
pub fn weight(policy: &Policy) -> String {
    let what = match policy.mode {
        None => return "enforced".into(),
        Some(ModeName::Off) => "off",
        Some(ModeName::Report) => "only reports",
    };
    let until = policy.effective_from.as_ref().map(|day| format!("until it denies from {day} on"));
    let why = policy.reason.as_ref().map(|reason| reason.trim().to_owned());
    let more: Vec<String> = until.into_iter().chain(why).collect();
    shown(&if more.is_empty() { what.into() } else { format!("{what}: {}", more.join("; ")) })
}

/// How many findings a policy has, by severity, or why it has none.
pub fn result_of(report: &Report, policy: &Policy) -> String {
    let findings = || report.findings.iter().filter(|finding| finding.policy == policy.package);
    let standing = Severity::ALL.into_iter().map(|severity| {
        let many = findings().filter(|finding| finding.severity == severity && finding.waived.is_none()).count();
        (many, severity.name())
    });
    let waived = (findings().filter(|finding| finding.waived.is_some()).count(), "waived");
    let counts: Vec<String> = standing
        .chain([waived])
        .filter(|(many, _)| *many > 0)
        .map(|(many, name)| format!("{} {name}", count(many as u64)))
        .collect();
    match &policy.not_applicable {
        _ if !counts.is_empty() => counts.join(", "),
        _ if policy.mode == Some(ModeName::Off) => "–".into(),
        Some(why) => format!("nothing to judge: {why}"),
        None => "nothing against it".into(),
    }
}

/// Who set a parameter.
const fn param_source(source: ParamSource) -> &'static str {
    match source {
        ParamSource::Default => "by default",
        ParamSource::Config => "by the configuration",
        ParamSource::CommandLine => "by the command line",
    }
}

/// The parameters that policies read.
pub fn parameters(params: &[ParamValue]) -> Markup {
    html! {
        @if params.is_empty() { p { "No policy reads one." } } @else {
            dl.pairs {
                @for param in params {
                    div {
                        dt { code { (shown(&param.name)) } }
                        dd {
                            code { (shown(&param.value.as_ref().map_or_else(|| "none".into(), ToString::to_string))) }
                            " " span.quiet { (param_source(param.from)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::render::html::components::count;
    use crate::render::html::components::duration;

    #[test]
    fn numbers_are_as_a_person_writes_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let long = [7, 1000, 1640, 59_999, 60_000, 3_725_000].map(duration);
        assert_eq!(long, ["7 ms", "1 s", "1.6 s", "59.9 s", "1 min 0 s", "1 h 2 min"]);
    }
}
