//! What has changed since an earlier report, in words. Not escaped: that is each format's own.

use crate::render::words::verdict;
use crate::report::comparison::{ChangedFinding, Comparison, ParamChange, PolicyChange};
use crate::text::escape::names_of;

/// Lines about it, each with its label.
pub fn comparison(compared: &Comparison) -> Vec<(&'static str, String)> {
    let then = verdict(compared.decision);
    let mut lines = vec![("compared", format!("with {}, whose verdict was {then}", compared.report))];
    let changed: Vec<String> = compared.changed.iter().map(|name| change(compared, name)).collect();
    match (changed.is_empty(), compared.unknown.is_empty()) {
        (false, _) => lines.push(("changed", changed.join("; "))),
        (true, true) => lines.push(("changed", "nothing that the verdict follows from".to_owned())),
        (true, false) => {}
    }
    if !compared.unknown.is_empty() {
        let names: Vec<&str> = compared.unknown.iter().map(|name| word(name)).collect();
        let unsaid = format!("whether these changed, because that report has no digests: {}", names.join(", "));
        lines.push(("unknown", unsaid));
    }
    let findings =
        |label, findings: &[ChangedFinding]| findings.iter().map(|changed| (label, finding(changed))).collect();
    let (came, went): (Vec<_>, Vec<_>) = (findings("came", &compared.came), findings("went", &compared.went));
    if came.is_empty() && went.is_empty() {
        lines.push(("findings", "the same".to_owned()));
    }
    lines.into_iter().chain(came).chain(went).collect()
}

/// What a person calls it.
fn word(name: &str) -> &str {
    match name {
        "params" => "parameters",
        "tool" => "the version of rollproof",
        "engine" => "the version of the engine",
        name => name,
    }
}

/// What changed, and how, where that is known.
fn change(compared: &Comparison, name: &str) -> String {
    let details: Vec<String> = match name {
        "policies" => {
            let named = |PolicyChange { package, change }: &PolicyChange| format!("{package} {}", change.name());
            compared.policies.iter().map(named).collect()
        }
        "params" => {
            let text = |value: &Option<_>| value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            let named =
                |ParamChange { name, was, is }: &ParamChange| format!("{name} was {} and is {}", text(was), text(is));
            compared.params.iter().map(named).collect()
        }
        _ => Vec::new(),
    };
    if details.is_empty() { word(name).to_owned() } else { format!("{} ({})", word(name), details.join(", ")) }
}

fn finding(finding: &ChangedFinding) -> String {
    let ChangedFinding { code, severity, waived, tenants, messages } = finding;
    let waived = if *waived { ", waived" } else { "" };
    let said = if tenants.is_empty() { messages.join("; ") } else { names_of(tenants.iter()) };
    format!("{severity} {code}{waived}: {said}")
}
