//! What holds for every format of every fixture's report, also where no file is kept of it: nothing commands or hides,
//! nothing is of this machine or day, every straggler and every finding is named, the same evidence gives the same bytes.
//! For JUnit XML and SARIF `formats.rs` says more.

use std::collections::BTreeSet;

use regex::Regex;
use rollproof::internal::escape;
use serde_json::Value;

use crate::escape::is_quiet_text;
use crate::html::{data, markup, plain};
use crate::judged::{self, Judged};
use crate::markup::{is_balanced, own_markup, tags};
use crate::support::{read, root};

/// How many names a line has at the most.
const MAX_NAMES: usize = 10;

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Every report in every format.
fn reports() -> impl Iterator<Item = (&'static Judged, &'static str, &'static str)> {
    judged::all().iter().flat_map(|judged| judged.formats().map(move |format| (judged, format, judged.text(format))))
}

#[test]
fn nothing_commands_moves_a_cursor_or_hides() {
    for (judged, format, text) in reports() {
        is_quiet_text(text, &format!("{} as {format}", judged.name));
    }
    let said = judged::all().iter().map(|judged| judged.document.to_string());
    assert!(
        said.filter(|said| said.contains("::") && said.contains("\\u")).count() > 1,
        "there is something to escape"
    );
}

#[test]
fn nothing_is_of_this_machine_or_day() {
    let temporary = std::env::temp_dir();
    let machine = [root().display().to_string(), temporary.display().to_string() + "/"];
    // Days, times of day, and seconds since 1970.
    let time = Regex::new(r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d(?::\d\d)?\b|\b\d{9,13}\b").expect("it is one");
    for (judged, format, text) in reports() {
        let name = format!("{} as {format}", judged.name);
        // The style and the script of a page are the same in every one.
        let own = (format == "html").then(|| markup(text) + &data(text).to_string());
        let text = own.as_deref().unwrap_or(text);
        let mut given = judged::inputs(&judged.folder);
        if let Some(example) = judged.name.strip_prefix("examples/").and_then(|name| name.split('/').next()) {
            given += &read(&root().join(format!("policies/examples/{example}/{example}.rego")));
        }
        for place in machine.iter().filter(|place| !given.contains(&***place)) {
            assert!(!text.contains(&**place), "{name} says {place}");
        }
        assert!(!text.contains(&*judged.written.to_string_lossy()), "{name} says where it was written");
        // What the report says itself is compared with what is kept of it, on any day.
        let known = given + judged.text("json");
        for time in time.find_iter(text) {
            assert!(known.contains(time.as_str()), "{name} says {}, which no input does", time.as_str());
        }
    }
}

#[test]
fn the_same_evidence_gives_the_same_bytes_at_another_time_and_place() {
    for other in judged::again() {
        let one = judged::one(&other.name);
        assert_eq!(one.ran.code, other.ran.code, "{}", one.name);
        let [mut document, mut again] = [one.document.clone(), other.document.clone()];
        for document in [&mut document, &mut again] {
            document["provenance"]["collected_at"].take();
        }
        assert_eq!(document, again, "{}", one.name);
        for format in other.formats() {
            assert!(one.text(format) == other.text(format), "{} as {format}: other bytes", one.name);
        }
        assert_eq!(one.ran.stdout, other.text("text"), "{}: standard output says what a file does", one.name);
    }
}

/// Every text that evidence brings, keys among it.
fn texts<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => drop(found.insert(text)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            found.insert(key);
            texts(value, found);
        }),
        _ => {}
    }
}

#[test]
fn evidence_is_never_markup() {
    let mut seen = BTreeSet::new();
    for judged in judged::all() {
        let mut said = BTreeSet::new();
        texts(&judged.document, &mut said);
        for (format, obeyed) in [
            ("html", &['<', '>', '&'][..]),
            ("junit", &['<', '&'][..]),
            ("markdown", &['<', '`', '|', '[', '@', '*'][..]),
        ] {
            // A text that is markup and nothing else, such as `|`, is no text that can be told from ours.
            let is_read = judged.formats().any(|read| read == format);
            for said in said.iter().filter(|said| is_read && said.len() > 2 && said.contains(obeyed)) {
                assert!(!judged.text(format).contains(*said), "{} as {format}: {said:?} is as it came", judged.name);
                seen.insert(format);
            }
        }
    }
    assert_eq!(seen.len(), 3, "there is something to escape: {seen:?}");
}

#[test]
fn lines_of_json_are_the_report() {
    for judged in judged::all() {
        let line = judged.text("jsonl");
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{}: it is one line", judged.name);
        assert_eq!(serde_json::from_str::<Value>(line).expect("JSON"), judged.report, "{}", judged.name);
    }
}

#[test]
fn outputs_are_the_decision_the_stragglers_and_the_denied() {
    for judged in judged::all() {
        let report = &judged.report;
        let names: Vec<&str> = list(report, "stragglers").iter().map(|straggler| text(straggler, "tenant")).collect();
        let lines: Vec<_> = judged.text("outputs").split_terminator('\n').collect();
        let [decision, count, stragglers, denied, denied_count] = lines[..] else {
            panic!("{}: {lines:?}", judged.name)
        };
        assert_eq!(decision, format!("decision={}", text(report, "decision")), "{}", judged.name);
        assert_eq!(count, format!("straggler_count={}", names.len()), "{}", judged.name);
        let array = stragglers.strip_prefix("stragglers=").expect("a name");
        assert_eq!(serde_json::from_str::<Vec<String>>(array).expect("JSON"), names, "{}", judged.name);
        let array = denied.strip_prefix("denied_tenants=").expect("a name");
        let found = serde_json::from_str::<Vec<String>>(array).expect("JSON");
        assert_eq!(found, denied_by(report).into_iter().collect::<Vec<_>>(), "{}", judged.name);
        assert_eq!(denied_count, format!("denied_count={}", found.len()), "{}", judged.name);
    }
}

/// The findings of a severity that no waiver covers.
fn standing<'a>(report: &'a Value, severity: &'a str) -> impl Iterator<Item = &'a Value> {
    let findings = list(report, "findings").iter();
    findings.filter(move |finding| text(finding, "severity") == severity && finding["waived"].is_null())
}

/// The tenants that denies name.
fn denied_by(report: &Value) -> BTreeSet<&str> {
    let tenants = standing(report, "deny").flat_map(|finding| list(finding, "tenants"));
    tenants.map(|tenant| tenant.as_str().expect("a name")).collect()
}

#[test]
fn the_headline_is_what_decided() {
    for judged in judged::all() {
        let Judged { name, report, .. } = judged;
        let weight = match text(report, "decision") {
            "fail" => "deny",
            "inconclusive" => "inconclusive",
            _ => continue,
        };
        let first = standing(report, weight).next().unwrap_or_else(|| panic!("{name}: nothing decided"));
        let message = escape::for_terminal(text(first, "message"));
        for format in ["text", "summary"] {
            let line = judged.text(format).lines().next().expect("a line");
            assert!(line.contains(message.trim()), "{name} as {format}: {message} is not in {line}");
        }
        assert_eq!(judged.text("summary").lines().count(), 1, "{name}");
    }
}

#[test]
fn the_headline_of_a_pass_counts_what_is_only_assumed() {
    let mut seen = 0;
    for judged in judged::all().iter().filter(|judged| text(&judged.report, "decision") == "pass") {
        let assumed = judged.report["summary"]["states"]["assumed"].as_u64().unwrap_or_default();
        let line = judged.text("text").lines().next().expect("a line");
        assert_eq!(line.contains("only assumed ("), assumed > 0, "{}: {line}", judged.name);
        if judged.report["summary"]["proven"] != 1 {
            assert_eq!(line.contains(&format!(", {assumed} of them only assumed")), assumed > 0, "{}", judged.name);
        }
        seen += usize::from(assumed > 0);
    }
    assert!(seen > 1, "there are assumed tenants");
}

#[test]
fn a_denied_tenant_is_marked_in_the_tables_and_the_picture() {
    let mut beside_stragglers = 0;
    for judged in judged::all() {
        let Judged { name, report, document, .. } = judged;
        let denied = denied_by(report);
        let count = judged.text("summary").contains(&format!(", denied {}", denied.len()));
        assert_eq!(count, !denied.is_empty() && document["fleet"]["source"] != "none", "{name}");
        let rows = judged.text("markdown").split_once("### Rows\n").map_or("", |(_, rows)| rows);
        for row in rows.lines().filter(|line| line.starts_with("| ")).skip(2) {
            let is_denied =
                denied.iter().any(|tenant| row.starts_with(&format!("| {} |", escape::for_markdown(tenant))));
            assert_eq!(row.ends_with("| **yes** |"), is_denied, "{name}: {row}");
        }
        if !judged.has_page() {
            continue;
        }
        let data = data(judged.text("html"));
        let (names, stragglers) = (list(&data, "names"), list(report, "stragglers"));
        let marked: BTreeSet<_> = list(&data, "denied")
            .iter()
            .filter_map(|place| names.get(usize::try_from(place.as_u64()?).ok()?)?.as_str().map(str::to_owned))
            .collect();
        let in_fleet: BTreeSet<_> = denied
            .iter()
            .map(|tenant| escape::for_page(tenant))
            .filter(|tenant| names.iter().any(|name| name == tenant))
            .collect();
        assert_eq!(marked, in_fleet, "{name}");
        let tiles = markup(judged.text("html")).matches(" denied\">").count();
        assert_eq!(tiles, in_fleet.len(), "{name}: tiles");
        let is_unproven = |tenant: &&&str| stragglers.iter().any(|straggler| straggler["tenant"] == **tenant);
        beside_stragglers += usize::from(denied.iter().any(|tenant| !is_unproven(&tenant)));
    }
    assert!(beside_stragglers > 1, "there are denied tenants that are proven");
}

fn remedy(finding: &Value) -> Option<&str> {
    finding["remedy"].as_str().map(str::trim)
}

fn verdict(report: &Value) -> &'static str {
    match text(report, "decision") {
        "pass" => "PASS",
        "fail" => "FAIL",
        "inconclusive" => "INCONCLUSIVE",
        "not_asserted" => "NOT ASSERTED",
        other => panic!("{other}"),
    }
}

/// The policies that weigh less than all.
fn softened(report: &Value) -> Vec<&str> {
    let policies = list(report, "policies").iter().filter(|policy| !policy["mode"].is_null());
    policies.map(|policy| text(policy, "package")).collect()
}

#[test]
fn annotations_are_softened_policies_findings_and_the_verdict() {
    for Judged { name, report, .. } in judged::all() {
        let lines: Vec<_> = judged::one(name).text("github").lines().collect();
        let (softened, findings) = (softened(report), list(report, "findings"));
        assert_eq!(lines.len(), softened.len() + findings.len() + 1, "{name}: {lines:#?}");
        let (first, rest) = lines.split_at(softened.len());
        for (line, policy) in first.iter().zip(softened) {
            let start = format!("::warning title=rollproof::policy {policy} ");
            assert!(line.starts_with(&start), "{name}: {line}");
        }
        for (line, finding) in rest.iter().zip(findings) {
            let command = match text(finding, "severity") {
                _ if !finding["waived"].is_null() => "notice",
                "deny" | "inconclusive" => "error",
                "warn" => "warning",
                _ => "notice",
            };
            let (code, message) = (text(finding, "code"), escape::for_annotation(text(finding, "message")));
            assert!(line.starts_with(&format!("::{command} title={code}::{message}")), "{name}: {line}");
            for tenant in list(finding, "tenants").iter().take(MAX_NAMES) {
                let tenant = escape::for_terminal(tenant.as_str().expect("a name")).replace('%', "%25");
                assert!(line.contains(tenant.trim_matches(':')), "{name}: {tenant} is not in {line}");
            }
            if let Some(remedy) = remedy(finding) {
                assert!(line.ends_with(&format!(". Next: {}", escape::for_annotation(remedy))), "{name}: {line}");
            }
            assert_eq!(line.contains("; waived until "), !finding["waived"].is_null(), "{name}: {line}");
            assert_eq!(line.contains("; only reported"), !finding["softened"].is_null(), "{name}: {line}");
        }
        let command = match text(report, "decision") {
            "pass" => "notice",
            "not_asserted" => "warning",
            _ => "error",
        };
        let start = format!("::{command} title=rollproof::{}  ", verdict(report));
        assert!(lines.last().is_some_and(|line| line.starts_with(&start)), "{name}: {lines:#?}");
    }
}

/// The lines that a summary has about a finding.
fn findings_in_markdown(report: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let safe = escape::for_markdown;
    for finding in list(report, "findings") {
        let (severity, code, message) = (text(finding, "severity"), text(finding, "code"), text(finding, "message"));
        lines.push(format!("- **{severity}** {}: {}", safe(code), safe(message)));
        if !finding["waived"].is_null() {
            lines.push("  - But: waived until ".to_owned());
        } else if !finding["softened"].is_null() {
            lines.push("  - But: only reported".to_owned());
        }
        let tenants: Vec<_> = list(finding, "tenants").iter().map(|tenant| tenant.as_str().expect("a name")).collect();
        if !tenants.is_empty() {
            let (shown, more) = tenants.split_at(tenants.len().min(MAX_NAMES));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            lines.push(format!("  - Tenants: {}", safe(&(shown.join(", ") + &more))));
        }
        lines.extend(remedy(finding).map(|remedy| format!("  - Next: {}", safe(remedy))));
    }
    lines
}

#[test]
fn a_summary_has_every_straggler_finding_and_row() {
    for judged in judged::all() {
        let Judged { name, report, document, .. } = judged;
        let (safe, summary) = (escape::for_markdown, judged.text("markdown"));
        let mark = match text(report, "decision") {
            "pass" => "✅",
            "fail" => "❌",
            _ => "⚠️",
        };
        assert!(summary.starts_with(&format!("## {mark} {}: ", verdict(report))), "{name}: {summary}");
        for policy in softened(report) {
            assert!(summary.contains(&format!("\n**policy {} ", safe(policy))), "{name}: {policy}");
        }
        let (before, rows) = summary.split_once("### Rows\n").unwrap_or((summary, ""));

        let told: Vec<_> = before.lines().filter(|line| line.starts_with("- **") || line.starts_with("  - ")).collect();
        let expected = findings_in_markdown(report);
        assert_eq!(told.len(), expected.len(), "{name}: {told:#?}");
        for (told, expected) in told.iter().zip(&expected) {
            let is_same = if expected.contains("- But: ") { told.starts_with(expected) } else { told == expected };
            assert!(is_same, "{name}: {told} is not {expected}");
        }
        assert_eq!(before.contains("No policy has anything to say."), expected.is_empty(), "{name}");

        let table: Vec<_> = before.lines().filter(|line| line.starts_with("| ")).skip(2).map(str::to_owned).collect();
        let stragglers = list(report, "stragglers").iter().map(|straggler| {
            let [tenant, state, reason] = ["tenant", "state", "reason"].map(|key| safe(text(straggler, key)));
            format!("| {tenant} | {state} | {reason} |")
        });
        assert_eq!(table, stragglers.collect::<Vec<_>>(), "{name}");

        let mut tenants = Vec::new();
        for cohort in list(document, "cohorts") {
            for tenant in list(cohort, "tenants") {
                let rows = list(cohort, "rows").iter();
                tenants.extend(rows.map(|_| safe(tenant.as_str().expect("a name"))));
            }
        }
        let table: Vec<_> = rows.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
        let mut shown: Vec<_> = table.iter().map(|line| line.split(" | ").next().expect("a cell")).collect();
        shown.sort_unstable();
        tenants.sort();
        assert_eq!(shown, tenants.iter().map(|tenant| format!("| {tenant}")).collect::<Vec<_>>(), "{name}");
        assert!(table.iter().all(|line| line.matches('|').count() == 9), "{name}: {rows}");
    }
}

/// A text as it stands in a page.
fn in_page(text: &str) -> String {
    let text = escape::for_page(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A sentence as a page has it: what stands between backticks is code.
fn prose(text: &str) -> String {
    let text = in_page(text);
    let parts: Vec<&str> = text.split('`').collect();
    let part = |(i, part): (usize, &&str)| match i % 2 {
        1 if i + 1 < parts.len() => format!("<code>{part}</code>"),
        1 => format!("`{part}"),
        _ => (*part).to_owned(),
    };
    parts.iter().enumerate().map(part).collect()
}

#[test]
fn a_page_is_well_formed_and_its_references_lead_somewhere() {
    for judged in judged::pages() {
        let (name, page) = (&judged.name, judged.text("html"));
        let found = tags(&own_markup(page)).unwrap_or_else(|error| panic!("{name}: {error}"));
        is_balanced(&found).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(page.matches("<script").count(), 2, "{name}: its data, and what reads it");
        for tag in &found {
            for (attribute, value) in &tag.attributes {
                assert!(!attribute.starts_with("on") && attribute != "style" && attribute != "src", "{name}: {tag:?}");
                let leads = match &**attribute {
                    "href" => Some(value.strip_prefix('#').unwrap_or_else(|| panic!("{name}: {value} is fetched"))),
                    "aria-labelledby" | "aria-describedby" | "for" => Some(&**value),
                    _ => None,
                };
                if let Some(id) = leads {
                    assert!(page.contains(&format!(" id=\"{id}\"")), "{name}: nothing is {id}");
                }
            }
        }
    }
}

#[test]
fn a_page_has_every_straggler_finding_policy_and_tenant() {
    for judged in judged::pages() {
        let Judged { name, report, document, .. } = judged;
        let page = markup(&plain(judged.text("html")));
        assert!(page.contains(&format!("<h1>{}</h1>", verdict(report))), "{name}");
        assert!(page.contains(&format!("<title>{}: ", verdict(report))), "{name}");

        let articles: Vec<_> = page.split("<article class=\"finding ").skip(1).collect();
        let findings = list(report, "findings");
        assert_eq!(articles.len(), findings.len(), "{name}");
        for (article, finding) in articles.iter().zip(findings) {
            let article = article.split_once("</article>").expect("its end").0;
            let severity = text(finding, "severity");
            assert!(article.starts_with(severity), "{name}: {article}");
            assert_eq!(article.contains("<span class=\"lift\">waived</span>"), !finding["waived"].is_null(), "{name}");
            let mut said = vec![
                format!("<code>{}</code>", in_page(text(finding, "code"))),
                format!("<p class=\"message\">{}</p>", prose(text(finding, "message"))),
                format!("{}:{}</code>", text(&finding["rule"], "file"), finding["rule"]["line"]),
            ];
            let tenants = list(finding, "tenants").iter().take(24);
            said.extend(tenants.map(|tenant| format!("<code>{}</code>", in_page(tenant.as_str().expect("a name")))));
            said.extend(remedy(finding).map(|remedy| format!("<dd>{}</dd>", prose(remedy))));
            for said in said {
                assert!(article.contains(&said), "{name}: {said} is not in {article}");
            }
        }
        for policy in list(report, "policies") {
            assert!(page.contains(&format!("<code>{}</code>\n</th>", text(policy, "package"))), "{name}: {policy}");
        }
        for input in list(report, "inputs") {
            let row = [in_page(text(input, "name")), text(input, "sha256").to_owned()];
            assert!(row.iter().all(|cell| page.contains(&format!(">{cell}</code>"))), "{name}: {input}");
        }

        let data = data(judged.text("html"));
        let names: Vec<_> = list(&data, "names").iter().map(|name| name.as_str().expect("a name")).collect();
        let planned = list(document, "cohorts").iter().filter(|cohort| cohort["planned"] == true);
        let planned: BTreeSet<_> = planned
            .flat_map(|cohort| list(cohort, "tenants"))
            .map(|tenant| escape::for_page(tenant.as_str().expect("a name")))
            .collect();
        assert_eq!(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), planned, "{name}");
        assert_eq!(names.len(), planned.len(), "{name}: each once");
        let behind = list(&data, "stragglers").iter().map(|row| {
            let place = row[0].as_u64().and_then(|place| usize::try_from(place).ok()).expect("a place");
            (names[place].to_owned(), row[1].as_str().expect("a mark"))
        });
        let denied = denied_by(report);
        let stragglers = list(report, "stragglers").iter().map(|straggler| {
            let is_denied = denied.contains(text(straggler, "tenant"));
            let mark = match (straggler["waived"] == true, straggler["quarantined"] == true, is_denied) {
                (true, _, true) => "waived, but denied",
                (true, _, false) => "waived",
                (false, true, true) => "quarantined, but denied",
                (false, true, false) => "quarantined",
                (false, false, true) => "denied",
                (false, false, false) => "",
            };
            (escape::for_page(text(straggler, "tenant")), mark)
        });
        assert_eq!(behind.collect::<BTreeSet<_>>(), stragglers.collect::<BTreeSet<_>>(), "{name}");
    }
}
