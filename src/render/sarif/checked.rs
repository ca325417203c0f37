//! What the static checks of policies found, as SARIF: a result for each, with the corrected line where there is one.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use crate::model::finding::Severity;
use crate::render::sarif::log::{
    ArtifactChange, Configuration, Fix, FoundProperties, Invocation, Replacement, Rule, Run, RunProperties, SarifResult,
};
use crate::render::sarif::{
    COLUMN_KIND, FINGERPRINT, MAX_RESULTS, artifact_location, level, location, message, notification, tool, write,
};
use crate::render::view::View;
use crate::report::checked::{self, Checked};
use crate::text::digest::sha256;
use crate::text::escape::for_sarif;

/// What is found, and how much it weighs.
const RULES: [(&str, &str, Severity, &str); 2] = [
    ("policy.problem", "A policy that cannot be used", Severity::Deny, "There is no verdict until it is corrected."),
    (
        "policy.advice",
        "A policy that is probably not meant so",
        Severity::Note,
        "Read what is written, and what was meant.",
    ),
];

/// Writes one run of one tool.
pub fn render(checked: &Checked, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let all = [&checked.problems, &checked.advice];
    let mut seen = HashMap::new();
    let mut results = Vec::new();
    for (i, found) in all.into_iter().enumerate().flat_map(|(i, found)| found.iter().map(move |problem| (i, problem))) {
        if results.len() < MAX_RESULTS {
            results.push(result(i, found, view, &mut seen));
        }
    }
    let left_out = checked.problems.len() + checked.advice.len() - results.len();
    let left_out = (left_out > 0).then(|| {
        notification(level(Severity::Warn), &format!("{left_out} more results are left out; the JSON report has all"))
    });
    let rule = |(id, title, severity, help): (&str, &str, Severity, &str)| Rule {
        default_configuration: Configuration { level: level(severity) },
        full_description: message(title),
        help: message(help),
        id: id.to_owned(),
        name: super::pascal_case(id),
        short_description: message(title),
    };
    let run = Run {
        artifacts: None,
        column_kind: COLUMN_KIND,
        invocations: [Invocation {
            execution_successful: true,
            exit_code: None,
            tool_execution_notifications: left_out.into_iter().collect(),
        }],
        properties: RunProperties { decision: if checked.sound { "sound" } else { "refused" } },
        results,
        tool: tool(RULES.map(rule).into()),
    };
    write(run, out)
}

fn result(rule: usize, found: &checked::PolicyProblem, view: &View, seen: &mut HashMap<String, usize>) -> SarifResult {
    let (id, _, severity, _) = RULES[rule];
    let file = view.repository.name_from_root(&found.file);
    let mut place = location(&file, None);
    let region = &mut place.physical_location.region;
    region.start_line = found.line.map_or(1, u64::from);
    region.start_column = found.column.map(u64::from);
    region.end_column = found.end.map(|end| u64::from(end.column));
    // The same fault of the same file is the same alert, on whatever line it stands.
    let hash = sha256(format!("{file}\0{}", found.problem))[..16].to_owned();
    let many = seen.entry(hash.clone()).or_default();
    *many += 1;
    SarifResult {
        fixes: found.corrected.as_ref().map(|line| [fix(&file, found, line)]),
        kind: "fail",
        level: level(severity),
        locations: vec![place],
        message: message(&format!("{}. Next: {}", found.problem, found.remedy)),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, format!("{hash}:{many}"))]),
        properties: FoundProperties { severity },
        rule_id: id.to_owned(),
        suppressions: Vec::new(),
    }
}

/// The line as it was probably meant, from its first column to its end.
fn fix(file: &str, found: &checked::PolicyProblem, line: &str) -> Fix {
    let mut region = location(file, None).physical_location.region;
    region.start_line = found.line.map_or(1, u64::from);
    Fix {
        artifact_changes: [ArtifactChange {
            artifact_location: artifact_location(file),
            replacements: [Replacement {
                deleted_region: region,
                inserted_content: super::log::Message { text: line.to_owned() },
            }],
        }],
        description: message(&for_sarif(&found.remedy)),
    }
}
