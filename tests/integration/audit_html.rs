//! The page of `audit --format html`: its markup, and that its data is what the report says. How it behaves in a browser
//! is `tests/interop/browser`'s.

use serde_json::{Value, json};

use crate::html::{data, markup};
use crate::support::{Case, snapshot};

/// Says of each tenant of a rollout what its row says: `+` proven, `?` an older control plane, `x` off the target, `!` a
/// failure, `-` no row, ` ` not in the fleet.
fn rollout(case: &Case, at: &str, ok: bool, tenants: &[(&str, char)]) {
    std::fs::create_dir_all(case.path("archives")).expect("a folder");
    let target = format!("staging-{}", at.get(8..10).expect("a day"));
    let fleet: Vec<&str> = tenants.iter().filter(|(_, says)| *says != ' ').map(|(name, _)| *name).collect();
    let row = |(name, says): &(&str, char)| match says {
        '+' => Some(json!({"slug": name, "ssm_status": "Success", "verified_on_target": true})),
        '?' => Some(json!({"slug": name, "ssm_status": "Success"})),
        'x' => Some(json!({"slug": name, "ssm_status": "Success", "verified_on_target": false})),
        '!' => Some(json!({"slug": name, "ssm_status": "Failed", "error": "token=hunter2"})),
        _ => None,
    };
    let results: Vec<Value> = tenants.iter().filter_map(row).collect();
    let body = json!({"target_tag": target, "canary_slug": "acme", "max_stragglers": 0, "dry_run": false});
    let file = |kind: &str, content: Value| case.file(&format!("archives/{at}.{kind}.json"), content.to_string());
    file("response", json!({"ok": ok, "results": results}));
    file("fleet", json!(fleet));
    file("plan", json!({"enabled": true, "target_tag": target, "body": body}));
}

/// The incident behind this project, with somebody who left, somebody who came and somebody who fell twice.
fn incident() -> Case {
    let case = Case::new();
    let days = [
        ("2026-07-01T10", true, [('?', "acme"), ('-', "agents-team"), ('?', "bolt"), ('+', "coral"), (' ', "delta")]),
        ("2026-07-02T10", true, [('+', "acme"), ('-', "agents-team"), ('x', "bolt"), ('+', "coral"), ('+', "delta")]),
        ("2026-07-03T08", false, [('+', "acme"), ('-', "agents-team"), ('-', "bolt"), ('-', "coral"), ('-', "delta")]),
        ("2026-07-04T10", true, [('+', "acme"), ('-', "agents-team"), ('+', "bolt"), (' ', "coral"), ('+', "delta")]),
        ("2026-07-05T10", false, [('+', "acme"), ('+', "agents-team"), ('!', "bolt"), (' ', "coral"), ('+', "delta")]),
        ("2026-07-06T10", true, [('+', "acme"), ('+', "agents-team"), ('+', "bolt"), (' ', "coral"), ('+', "delta")]),
    ];
    for (at, ok, rows) in days {
        let mut tenants: Vec<(&str, char)> = rows.iter().map(|(says, name)| (*name, *says)).collect();
        tenants.push(("ember", if at.ends_with("08") { '-' } else { '+' }));
        rollout(&case, at, ok, &tenants);
    }
    case.file("archives/2026-07-07T10.response.json", "{\"ok\": tru");
    case.file("archives/2026-07-08T10.plan.json", "{\"enabled\": false}");
    case
}

fn page(case: &Case, format: &str) -> String {
    let ran = case.run(["audit", "archives", "--until", "2026-07-08", "--keep-going", "--quiet", "--format", format]);
    assert!(ran.code < 2, "{}", ran.stderr);
    ran.stdout
}

#[test]
fn audit_pages() {
    snapshot("audit-html-incident.txt", &markup(&page(&incident(), "html")));
    let quiet = Case::new();
    rollout(&quiet, "2026-07-01T10", true, &[("acme", '+'), ("bolt", '+')]);
    snapshot("audit-html-quiet.txt", &markup(&page(&quiet, "html")));
    let none = Case::new();
    std::fs::create_dir_all(none.path("archives")).expect("a folder");
    none.file("archives/2026-07-07T10.response.json", "{\"ok\": tru");
    snapshot("audit-html-nothing.txt", &markup(&page(&none, "html")));
}

fn unpacked(runs: &str) -> String {
    let mut history = String::new();
    let mut rest = runs.chars().peekable();
    while let Some(letter) = rest.next() {
        let mut many = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            many.push(digit);
        }
        history.extend(std::iter::repeat_n(letter, many.parse().unwrap_or(1)));
    }
    history
}

#[test]
fn a_page_says_what_the_report_says() {
    let case = incident();
    let data = data(&page(&case, "html"));
    let report: Value = serde_json::from_str(&page(&case, "json")).expect("JSON");

    // Each tenant of whom there is more to tell than that it always was proven, the worst first.
    let rows: Vec<(&str, String)> = data["tenants"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row[0].as_str().expect("a name"), unpacked(row[2].as_str().expect("a history"))))
        .collect();
    for (name, history) in &rows {
        let tenants = report["audit"]["tenants"].as_array().expect("tenants");
        let tenant = tenants.iter().find(|tenant| tenant["tenant"] == *name).expect("it is in the report");
        assert_eq!(tenant["history"], **history, "{name}");
    }
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["agents-team", "bolt", "coral", "delta"]);

    // Who was behind is in the report's own order.
    let lag = report["lag"].as_array().expect("times");
    assert_eq!(lag.len(), data["lag"].as_array().expect("times").len());
    for (told, lag) in data["lag"].as_array().expect("times").iter().zip(lag) {
        let name = |row: &Value| rows[usize::try_from(row.as_u64().expect("a place")).expect("it fits")].0;
        assert_eq!(lag["tenant"], name(&told[0]));
        assert_eq!((&told[3], &told[4]), (&lag["rollouts"], &lag["seconds"]));
    }
    assert_eq!(data["rollouts"]["called"], "ggrgrg");
    assert_eq!(data["rollouts"]["decision"], "fffffp");
}

#[test]
fn the_same_archives_give_the_same_page() {
    let case = incident();
    assert_eq!(page(&case, "html"), page(&case, "html"));
}

#[test]
fn a_page_is_written_beside_the_verdict_and_holds_no_error_text() {
    let case = incident();
    let ran = case.run(["audit", "archives", "--until", "2026-07-08", "--keep-going", "--report", "html=page.html"]);
    assert!(ran.stdout.starts_with("FAIL"), "{}", ran.stdout);
    let written = std::fs::read_to_string(case.path("page.html")).expect("a page");
    assert_eq!(written, page(&case, "html"));
    assert!(!written.contains("hunter2"));
}

/// Names that would end the element of the page's data, or become markup.
#[test]
fn hostile_names_stay_text() {
    let case = Case::new();
    let names = ["</script><script>alert(1)</script>", "<!--<script>", "a&lt;b", "\u{202e}x"];
    let mut tenants: Vec<(&str, char)> = names.iter().map(|name| (*name, 'x')).collect();
    tenants.extend([("acme", '+'), ("bolt", '+')]);
    rollout(&case, "2026-07-01T10", true, &tenants);
    let page = page(&case, "html");
    assert_eq!(page.matches("<script").count(), 2, "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "{page}");
    let data = data(&page);
    let shown: Vec<&Value> = data["tenants"].as_array().expect("rows").iter().map(|row| &row[0]).collect();
    assert_eq!(shown, ["<!--<script>", "</script><script>alert(1)</script>", "a&lt;b", "\\u{202e}x"]);
}
