//! The page of `--report html`: its markup, what it holds of the evidence, and what it must not. How it behaves in a
//! browser is `tests/interop/browser`'s.

use serde_json::{Value, json};

use crate::judged;
use crate::support::{Case, expectation, fixture_args, read_json, rollproof, root, run};

fn page(fixture: &str) -> &'static str {
    judged::one(fixture).text("html")
}

/// A page without what is the same in every one, an element a line.
pub fn markup(page: &str) -> String {
    let mut page = page.to_owned();
    for (start, end) in [("<style>", "</style>"), ("<svg width=\"0\"", "</svg>"), ("<script>", "</script>")] {
        let from = page.find(start).expect("it is there") + start.len();
        let to = from + page[from..].find(end).expect("it ends");
        page.replace_range(from..to, "…");
    }
    for directive in ["script-src", "style-src"] {
        let from = page.find(directive).expect("the policy is there") + directive.len();
        let to = from + page[from..].find(';').expect("it ends");
        page.replace_range(from..to, " …");
    }
    page.replace("><", ">\n<").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// A page without the elements that keep a name in one line.
pub fn plain(page: &str) -> String {
    let mut plain = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("<span class=\"whole\">") {
        let (whole, after) = after.split_once("</span>").expect("it ends");
        plain.push_str(before);
        plain.push_str(whole);
        rest = after;
    }
    plain + rest
}

/// What the script of a page reads.
pub fn data(page: &str) -> Value {
    let (_, data) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("it has data");
    let (data, _) = data.split_once("</script>").expect("it ends");
    serde_json::from_str(data).expect("it is JSON")
}

/// The same changes as `rollproof explain` finds, where something stands against a pass and where nothing does.
#[test]
fn the_page_says_what_would_turn_the_verdict() {
    for fixture in ["coverage/every-state", "calls/live-killed", "healthy/plain", "evidence/no-fleet"] {
        let folder = root().join("fixtures").join(fixture);
        let args = fixture_args(&folder, &expectation(&folder));
        let mut explain = rollproof();
        explain.arg("explain").args(&args[1..]).args(["--format", "json"]).current_dir(&folder);
        let explained: Value = serde_json::from_str(&run(&mut explain).stdout).expect("JSON");
        let found = explained["verdict"]["turns"]["found"].as_array().expect("turns");
        assert!(!found.is_empty(), "{fixture}");
        let page = plain(page(fixture));
        for turn in found {
            let changes = turn["changes"].as_array().expect("changes").iter();
            let words: Vec<&str> = changes.map(|change| change.as_str().expect("words")).collect();
            let words = words.join(", and ").replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
            assert!(page.contains(&format!("<li>{words}")), "{fixture}: {words}");
        }
    }
}

/// Silence of a policy that looked at nothing is no praise.
#[test]
fn a_policy_that_had_nothing_to_judge_is_not_called_fine() {
    let says = |fixture: &str, policy: &str| {
        let page = page(fixture);
        let (_, row) = page.split_once(&format!("<code>rollproof.{policy}</code></th><td>")).expect("its row");
        row.split_once("</td>").expect("its end").0.to_owned()
    };
    assert_eq!(says("healthy/plain", "build"), "nothing to judge: not probed");
    assert_eq!(says("healthy/plain", "coverage"), "nothing against it");
    assert_eq!(says("coverage/every-state", "coverage"), "1 deny, 1 note");
    assert_eq!(says("waivers/straggler-waived", "coverage"), "1 waived");
}

fn judged_in_order(case: &Case) -> Vec<Value> {
    case.file("fleet.txt", "zulu\nalpha\nmike\nbravo\nyankee\n");
    let row = |slug: &str, on: bool| json!({"slug": slug, "ssm_status": "Success", "verified_on_target": on});
    let results = json!([row("bravo", true), row("alpha", false), row("zulu", true), row("yankee", false)]);
    case.file("response.json", json!({"ok": true, "results": results}).to_string());
    let ran = case.run([
        "verify",
        "response.json",
        "--fleet",
        "fleet.txt",
        "--format",
        "html",
        "--document",
        "document.json",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    data(&ran.stdout)["names"].as_array().expect("names").clone()
}

#[test]
fn the_fleet_is_in_its_own_order_and_a_document_keeps_it() {
    let case = Case::new();
    let order = ["zulu", "alpha", "mike", "bravo", "yankee"];
    assert_eq!(judged_in_order(&case), order);
    let again = data(&case.run(["verify", "document.json", "--format", "html"]).stdout);
    assert_eq!(again["names"], json!(order));
    let place = |row: &Value| row[0].as_u64().and_then(|at| order.get(usize::try_from(at).ok()?).copied());
    let behind: Vec<_> = again["stragglers"].as_array().expect("rows").iter().filter_map(place).collect();
    assert_eq!(behind, ["alpha", "mike", "yankee"]);
}

#[test]
fn an_order_that_contradicts_the_cohorts_is_refused() {
    let case = Case::new();
    judged_in_order(&case);
    let document = read_json(&case.path("document.json"));
    let broken = |order: Value| {
        let mut document = document.clone();
        document["order"] = order;
        case.file("broken.json", document.to_string());
        case.run(["verify", "broken.json"])
    };
    let honest = document["order"].clone();
    assert_eq!(broken(honest.clone()).code, 1);
    let mut runs = honest.as_array().expect("runs").clone();
    runs.pop();
    for order in
        [json!(runs), json!([[9, 1]]), json!([[0, 4_000_000_000_u32]]), json!([[0, 1], [0, 1], [0, 1], [0, 1]])]
    {
        let ran = broken(order.clone());
        assert_eq!(ran.code, 4, "{order}: {}", ran.stderr);
        assert!(ran.stderr.contains("#/order"), "{}", ran.stderr);
    }
    // A document of an older version has none, and is judged all the same.
    let mut older = document.clone();
    older.as_object_mut().expect("an object").remove("order");
    case.file("older.json", older.to_string());
    assert!(case.run(["verify", "older.json", "--format", "html"]).stdout.contains("in no known order"));
}

#[test]
fn raw_error_texts_are_left_out_unless_they_are_asked_for() {
    let case = Case::new();
    case.file("fleet.txt", "acme\n");
    let results =
        json!([{"slug": "acme", "ssm_status": "Failed", "verified_on_target": false, "error": "password=hunter2"}]);
    case.file("response.json", json!({"ok": false, "error": "token=hunter3", "results": results}).to_string());
    let args = ["verify", "response.json", "--fleet", "fleet.txt", "--report", "html=page.html"];
    let written = |more: &[&str]| {
        case.run(args.iter().chain(more));
        std::fs::read_to_string(case.path("page.html")).expect("a page")
    };
    let (quiet, loud) = (written(&[]), written(&["--show-errors"]));
    assert!(!quiet.contains("hunter"), "{quiet}");
    assert!(loud.contains("hunter3"), "{loud}");
}

/// Names that would end the element of the page's data, or become markup.
#[test]
fn data_cannot_end_its_element() {
    let case = Case::new();
    let names = ["</script><script>alert(1)</script>", "<!--<script>", "a&lt;b", "\u{202e}x", "a\u{2028}b"];
    case.file("fleet.json", json!(names).to_string());
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    let page = case.run(["verify", "response.json", "--fleet", "fleet.json", "--format", "html"]).stdout;
    assert_eq!(page.matches("<script").count(), 2, "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "{page}");
    let shown = ["</script><script>alert(1)</script>", "<!--<script>", "a&lt;b", "\\u{202e}x", "a\\u{2028}b"];
    assert_eq!(data(&page)["names"], json!(shown));
}

/// The canary's phase comes first, and `batch-2` before `batch-10`, whatever the fleet's order is.
#[test]
fn phases_are_in_order_and_each_is_shown_once() {
    let case = Case::new();
    let fleet = ["zulu", "alpha", "mike", "bravo", "yankee"];
    let phases = ["batch-10", "batch-2", "batch-10", "canary", "batch-2"];
    case.file("fleet.txt", fleet.join("\n"));
    let row = |(slug, phase): (&&str, &&str)| json!({"slug": slug, "phase": phase, "verified_on_target": true});
    let rows: Vec<Value> = fleet.iter().zip(&phases).map(row).collect();
    case.file("response.json", json!({"ok": true, "results": rows}).to_string());
    let page = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--format", "html"]).stdout;
    let groups: Vec<&str> =
        page.split("<p class=\"group\">").skip(1).filter_map(|rest| Some(rest.split_once("</p>")?.0)).collect();
    assert_eq!(groups, ["canary", "batch-2", "batch-10"]);
    assert_eq!(data(&page)["names"], json!(["bravo", "alpha", "yankee", "zulu", "mike"]));
    assert!(page.contains("5 tenants in 3 phases as the rows name them, one after the other, each in the fleet"));
}

#[test]
fn labels_are_shown_and_counted_by() {
    let case = Case::new();
    let tenant = |slug: &str, tier: &str| json!({"slug": slug, "labels": {"tier": tier}});
    case.file("fleet.json", json!([tenant("acme", "gold"), tenant("bolt", "gold"), "cove"]).to_string());
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    let args = ["verify", "response.json", "--fleet", "fleet.json", "--format", "html"];
    let page = case.run(args).stdout;
    assert!(page.contains("The fleet by the label tier"), "{page}");
    assert!(page.contains(r#"<th scope="row">gold</th><td class="number">2</td><td class="number">1</td>"#), "{page}");
    assert!(page.contains(r#"<th scope="row">no such label</th><td class="number">1</td>"#), "{page}");
    assert!(page.contains(r#"<span class="tag">tier=gold</span>"#), "{page}");
    assert!(page.contains(r#"<th scope="col">Labels</th>"#) && page.contains("<td>tier=gold</td>"), "{page}");
    assert_eq!(data(&page)["labelled"], json!(true));
    assert!(data(&page)["texts"].as_array().expect("texts").contains(&json!("tier=gold")));
    // Where nobody has one, nothing is said of them.
    case.file("fleet.json", json!(["acme", "bolt"]).to_string());
    let page = case.run(args).stdout;
    assert!(!page.contains("Labels") && !page.contains("by the label"), "{page}");
}

/// A name is not broken at its hyphens, and what stands between backticks is code.
#[test]
fn names_stay_whole_and_backticks_are_code() {
    let page = page("coverage/skipped-tenant-46h");
    assert!(page.contains("<span class=\"whole\">agents-team</span>"), "{page}");
    assert!(self::page("evidence/no-fleet").contains("<code>fleet_from_response</code>"));
    let markup = markup(page);
    assert!(!markup.contains('`'), "{markup}");
}

/// Every table says that it may be wider than the window.
#[test]
fn every_table_says_that_it_scrolls() {
    for fixture in ["coverage/every-state", "calls/live-failed-batch"] {
        let page = page(fixture);
        let tables = page.matches("<table").count();
        assert!(tables > 1, "{fixture}");
        assert_eq!(page.matches("<p class=\"sideways\">").count(), tables, "{fixture}");
    }
}

#[test]
fn marks_of_a_large_fleet_are_in_its_legend() {
    let case = Case::new();
    case.file("fleet.txt", (0..300).map(|i| format!("t{i:03}\n")).collect::<String>());
    let written = |proven: usize| {
        let rows: Vec<Value> =
            (0..proven).map(|i| json!({"slug": format!("t{i:03}"), "verified_on_target": true})).collect();
        case.file("response.json", json!({"ok": true, "results": rows}).to_string());
        case.run(["verify", "response.json", "--fleet", "fleet.txt", "--format", "html"]).stdout
    };
    assert!(written(299).contains("mark tick"));
    assert!(!written(300).contains("mark tick\""));
}
