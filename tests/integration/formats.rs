//! The formats that a CI reads: what they say is what the report says, and the published schemas and limits are kept.

use std::collections::{BTreeMap, BTreeSet};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus};
use rollproof::internal::escape;
use serde_json::{Value, json};

use crate::judged::{self, Judged};
use crate::markup::{is_balanced, tags};
use crate::support::{Case, read, read_json, sarif_schema};

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// What a test case says, in its status and beside it.
fn said(case: &TestCase) -> String {
    let (TestCaseStatus::NonSuccess { description, .. } | TestCaseStatus::Skipped { description, .. }) = &case.status
    else {
        return beside(case);
    };
    description.as_ref().map_or("", |text| text.as_str()).to_owned() + &beside(case)
}

fn beside(case: &TestCase) -> String {
    case.system_out.as_ref().map_or("", |text| text.as_str()).to_owned()
}

#[test]
fn junit_fails_where_the_rollout_fails_and_nowhere_else() {
    for judged in judged::all() {
        let Judged { name, report, .. } = judged;
        let text = judged.text("junit");
        tags(text).and_then(|tags| is_balanced(&tags)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let junit = Junit::deserialize_from_str(text).expect("JUnit XML");
        let decision = report["decision"].as_str().expect("a word");
        assert_eq!(junit.failures > 0, decision == "fail", "{name}");
        assert!(junit.errors > 0 || decision != "inconclusive", "{name}");
        assert!(junit.errors == 0 || ["fail", "inconclusive"].contains(&decision), "{name}");
        let skipped: usize = junit.test_suites.iter().map(|suite| suite.skipped).sum();
        assert!(skipped > 0 || decision != "not_asserted", "{name}: a dry run is no pass");

        let cases = |suite: usize| junit.test_suites.get(suite).map_or(&[][..], |suite| &suite.test_cases);
        let names = |suite| cases(suite).iter().map(|case| case.name.to_string()).collect::<BTreeSet<_>>();
        let policies: BTreeSet<String> = list(report, "policies")
            .iter()
            .map(|policy| policy["package"].as_str().expect("a name").to_owned())
            .chain((decision == "not_asserted").then(|| "verdict".to_owned()))
            .collect();
        assert_eq!(names(0), policies, "{name}");
        assert_eq!(cases(1).len(), list(report, "stragglers").len(), "{name}");
        for (case, straggler) in cases(1).iter().zip(list(report, "stragglers")) {
            let tolerated = straggler["waived"] == true || straggler["quarantined"] == true;
            match &case.status {
                TestCaseStatus::Skipped { .. } => assert!(tolerated, "{name}: {}", case.name.as_str()),
                TestCaseStatus::NonSuccess { kind, .. } => {
                    assert_ne!(straggler["waived"], true, "{name}: {}", case.name.as_str());
                    assert!(*kind == NonSuccessKind::Error || decision == "fail", "{name}: {}", case.name.as_str());
                }
                TestCaseStatus::Success { .. } => panic!("{name}: {} is not proven", case.name.as_str()),
            }
        }
        let said: String = cases(0).iter().map(said).collect();
        for finding in list(report, "findings") {
            let [severity, code, message] =
                ["severity", "code", "message"].map(|key| finding[key].as_str().expect("text"));
            let sentence = escape::for_junit(&format!("{severity} {code}: {message}"));
            assert!(said.contains(&sentence), "{name}: {sentence} is not in {said}");
            let place =
                format!("rule: {}:{}", finding["rule"]["file"].as_str().expect("a file"), finding["rule"]["line"]);
            assert!(said.contains(&place), "{name}: {place} is not in {said}");
            let remedy = finding["remedy"].as_str().map(|remedy| format!("next: {}", escape::for_junit(remedy.trim())));
            assert!(remedy.is_none_or(|remedy| said.contains(&remedy)), "{name}: {finding}");
        }
    }
}

#[test]
fn sarif_is_valid_against_the_published_schema() {
    let validator = jsonschema::validator_for(&sarif_schema()).expect("it compiles");
    for judged in judged::all() {
        let Judged { name, report, .. } = judged;
        let sarif: Value = serde_json::from_str(judged.text("sarif")).expect("JSON");
        let errors: Vec<_> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");

        let run = &sarif["runs"][0];
        let rules: BTreeSet<&str> = list(&run["tool"]["driver"], "rules")
            .iter()
            .map(|rule| {
                let text = |key: &str| rule[key]["text"].as_str().expect("a text");
                assert!(!text("help").is_empty() && text("fullDescription").len() > 10, "{name}: {rule}");
                rule["id"].as_str().expect("a code")
            })
            .collect();
        let codes = |values: &'static str, key: &'static str, from: &Value| -> BTreeSet<String> {
            list(from, values).iter().map(|value| value[key].as_str().expect("a code").to_owned()).collect()
        };
        let found = codes("findings", "code", report);
        assert_eq!(codes("results", "ruleId", run), found, "{name}: a finding without a result");
        assert_eq!(rules, found.iter().map(|code| &**code).collect(), "{name}");

        let told = list(run, "results").iter().map(|result| result["message"]["text"].as_str().expect("a text"));
        let told: BTreeSet<&str> = told.collect();
        let behind = list(report, "stragglers").iter();
        let behind: BTreeMap<&str, &str> =
            behind.map(|behind| (text(behind, "tenant"), text(behind, "state"))).collect();
        for finding in list(report, "findings") {
            let tenants = list(finding, "tenants").iter().map(|tenant| tenant.as_str().expect("a name"));
            let (late, others): (Vec<_>, Vec<_>) = tenants.partition(|tenant| behind.contains_key(tenant));
            let has = |start: String| told.iter().any(|told| told.starts_with(&escape::for_sarif(&start)));
            for tenant in &late {
                assert!(has(format!("{tenant} is {}: ", behind[tenant])), "{name}: {tenant} is not in {told:?}");
            }
            let is_told = late.is_empty() || !others.is_empty();
            assert!(!is_told || has(text(finding, "message").to_owned()), "{name}: {finding} is not in {told:?}");
        }

        // The verdict can be read from what is not suppressed.
        let stands = list(run, "results").iter().any(|result| {
            assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string(), "{name}");
            result["level"] == "error" && result["suppressions"] == json!([])
        });
        assert_eq!(stands, ["fail", "inconclusive"].iter().any(|word| report["decision"] == *word), "{name}");
        let prints: BTreeSet<String> =
            list(run, "results").iter().map(|result| result["partialFingerprints"].to_string()).collect();
        assert_eq!(prints.len(), list(run, "results").len(), "{name}: two alerts would become one");
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn an_alert_is_the_same_one_in_the_next_rollout() {
    let fingerprints = |tag: &str, order: &str| {
        let case = Case::new();
        case.file("fleet.txt", "acme\nbolt\ncobalt\n");
        case.file("plan.json", format!(r#"{{"enabled": true, "body": {{"target_tag": "{tag}"}}}}"#));
        case.file("response.json", format!(r#"{{"ok": true, "results": [{order}]}}"#));
        let args = ["verify", "response.json", "--fleet", "fleet.txt", "--plan", "plan.json", "--format", "sarif"];
        let sarif: Value = serde_json::from_str(&case.run(args).stdout).expect("SARIF");
        let results = list(&sarif["runs"][0], "results").iter();
        let behind = results.filter(|result| result["ruleId"] == "coverage.incomplete");
        behind.map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    let acme = r#"{"slug": "acme", "verified_on_target": true}"#;
    let bolt = r#"{"slug": "bolt", "verified_on_target": false}"#;
    let before = fingerprints("staging-1", &format!("{acme}, {bolt}"));
    assert_eq!(before.len(), 2, "bolt and cobalt");
    assert_eq!(before, fingerprints("staging-2", &format!("{bolt}, {acme}")));
}

/// GitLab reads no report of more than 30 MB, GitHub shows no more than 5,000 results.
#[test]
fn a_large_fleet_keeps_the_limits_and_says_what_is_left_out() {
    let case = Case::new();
    let slug = |i: usize| format!("tenant-{i:05}<&\"-{}", "x".repeat(60));
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "only", "verified_on_target": true}]}"#);
    let fleet: Vec<String> = (0..12_000).map(slug).chain(["only".to_owned()]).collect();
    case.file("fleet.json", json!(fleet).to_string());
    let args = ["verify", "response.json", "--fleet", "fleet.json", "--report", "junit=junit.xml", "--report"];
    assert_eq!(case.run(args.into_iter().chain(["sarif=report.sarif"])).code, 1);
    let junit = read(&case.path("junit.xml"));
    assert!(junit.len() < 30_000_000);
    assert!(junit.contains("2000 more stragglers have no test case; the JSON report names all."));
    let junit = Junit::deserialize_from_str(&junit).expect("JUnit XML");
    assert_eq!(junit.test_suites[1].test_cases.len(), 10_000);
    let sarif = read_json(&case.path("report.sarif"));
    let results = list(&sarif["runs"][0], "results");
    assert_eq!((results.len(), &results[0]["level"]), (5_000, &json!("error")));
    let told = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains(" more results are left out; the JSON report has all"), "{told}");
}

/// GitHub takes no summary of more than 1 MiB, and a page is to be sent.
#[test]
fn many_findings_keep_the_limits_and_are_counted() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    case.file("fleet.txt", (0..4_000).map(|i| format!("tenant-{i:05}\n")).collect::<String>());
    let policy = "# METADATA\n# title: Many\npackage team.many\n\n# METADATA\n# title: Many\n# custom:\n#   codes: [team.many]\n\
        deny contains {\"code\": \"team.many\", \"message\": sprintf(\"%s is bad\", [tenant]), \"tenants\": [tenant]} if {\n\
        \tsome cohort in input.cohorts\n\tsome tenant in cohort.tenants\n}\n";
    case.file("many.rego", policy);
    let args = ["verify", "response.json", "--fleet", "fleet.txt", "--policy", "many.rego", "--policy-timeout", "600"];
    let reports = ["--report", "html=page.html", "--report", "markdown=summary.md", "--report", "junit=junit.xml"];
    let ran = case.run(args.into_iter().chain(reports).chain(["--format", "json"]));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let all = list(&report, "findings").len();
    assert!(all > 4_000);

    let page = read(&case.path("page.html"));
    let shown = page.matches("<article class=\"finding ").count();
    assert!(shown > 1_000 && shown < all && page.len() < 3 << 20, "{shown} in {} bytes", page.len());
    let told = page.split_once(" more had no room in this page: ").expect("it says so");
    let (more, weights) =
        (told.0.rsplit_once('>').expect("markup").1, told.1.split_once(". The JSON").expect("a sentence").0);
    let number = |text: &str| text.replace(',', "").parse::<usize>().expect("a number");
    assert_eq!(shown + number(more), all);
    let weighed = weights.split(", ").map(|part| number(part.split_once(' ').expect("two words").0));
    assert_eq!(weighed.sum::<usize>(), number(more));

    let summary = read(&case.path("summary.md"));
    assert!(summary.contains(&format!("{} more findings are not shown; the JSON report names all.", all - 500)));
    assert!(read(&case.path("junit.xml")).contains("3900 more are not shown; the JSON report has all."));
}

/// Paths as GitHub takes them: relative to the repository, percent-encoded, or a `file:` URI.
#[test]
fn sarif_names_files_as_uris() {
    let case = Case::new();
    case.file("a b%#ü.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": false}]}"#);
    case.file("fleet.txt", "acme\n");
    let absolute = case.path("a b%#ü.json").display().to_string();
    for (path, uri) in [("./a b%#ü.json", "a%20b%25%23%C3%BC.json"), (&*absolute, "a%20b%25%23%C3%BC.json")] {
        let out = case.run(["verify", path, "--fleet", "fleet.txt", "--format", "sarif"]).stdout;
        let sarif: Value = serde_json::from_str(&out).expect("SARIF");
        let place = &sarif["runs"][0]["results"][0]["locations"][0];
        let found = &place["physicalLocation"]["artifactLocation"];
        let said = found["uri"].as_str().expect("a URI");
        if path.starts_with('/') {
            assert!(said.starts_with("file:///") && said.ends_with(uri), "{said}");
        } else {
            assert_eq!(found, &json!({"uri": uri, "uriBaseId": "%SRCROOT%"}));
        }
        assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "/results/0");
    }
}
