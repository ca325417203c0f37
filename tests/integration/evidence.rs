//! Evidence that is wrong: exit code 4, and one error that names every place.

use jiff::Timestamp;
use rollproof::{EvidenceFields, Source, Sources, collect};
use serde_json::{Value, json};

use crate::support::{Case, Ran, is_exhaustive, read, root, sample};

fn refused(ran: &Ran, expected: &[&str]) {
    assert_eq!((ran.code, &*ran.stdout), (4, ""), "{}", ran.stderr);
    for part in expected {
        assert!(ran.stderr.contains(part), "{part:?} is not in\n{}", ran.stderr);
    }
    assert!(ran.stderr.contains("\n  help: "), "{}", ran.stderr);
}

/// A field that nobody reads was found, and does no harm.
fn unread(ran: &Ran, pointer: &str) {
    assert_ne!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stdout.contains("evidence.unknown_field") && ran.stdout.contains(pointer), "{}", ran.stdout);
}

fn response(contents: impl AsRef<[u8]>) -> Ran {
    let case = Case::new();
    case.file("response.json", contents);
    case.run(["verify", "response.json"])
}

fn fleet(contents: impl AsRef<[u8]>) -> Ran {
    let case = Case::new();
    case.file("fleet", contents);
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    case.run(["verify", "response.json", "--fleet", "fleet"])
}

fn plan(contents: impl AsRef<[u8]>) -> Ran {
    let case = Case::new();
    case.file("plan.json", contents);
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    case.run(["verify", "response.json", "--plan", "plan.json"])
}

#[test]
fn a_wrong_value_is_named_with_pointer_line_and_column() {
    let text = r#"{"ok":true,"results":[{"verified_on_target": "false", "slug": "acme"}]}"#;
    let place = "response.json#/results/0/verified_on_target, line 1, column 46: ";
    refused(&response(text), &[place, "found the string \"false\", but a boolean or null is allowed"]);
}

#[test]
fn every_wrong_place_is_named_in_one_run() {
    let row = r#"{"slug": 7, "ssm_exit_code": 1.0, "healthz_ok": "yes"}"#;
    let ran = response(format!(r#"{{"ok": 1, "results": [{row}, 3, {row}]}}"#));
    let places = [
        "#/ok,",
        "#/results/0/slug,",
        "#/results/0/ssm_exit_code,",
        "#/results/0/healthz_ok,",
        "#/results/1,",
        "#/results/2/slug,",
    ];
    refused(&ran, &places);
    refused(&ran, &["found the number 1.0, but a whole number or null is allowed"]);
    let lines: Vec<_> = ran.stderr.lines().filter(|line| line.contains("#/")).collect();
    assert_eq!(lines.len(), 8, "{}", ran.stderr);
}

#[test]
fn only_the_first_twenty_are_shown() {
    let rows = vec![r#"{"slug": 1}"#; 50].join(",");
    let ran = response(format!(r#"{{"results": [{rows}]}}"#));
    refused(&ran, &["#/results/19/slug", "response.json: 30 more faults are not listed"]);
    assert!(!ran.stderr.contains("#/results/20/slug"));
}

#[test]
fn text_that_is_no_json_is_named() {
    refused(&response(""), &["the file is empty"]);
    refused(&response(" \n"), &["nothing but white space"]);
    refused(
        &response("{\"ok\": true, \"results\": [{\"slug\": \"a"),
        &["line 1, column", "get or write it again, as a whole"],
    );
    refused(&response("\u{feff}{\"ok\": true}"), &["byte-order mark", "line 1, column 1"]);
    refused(&response(b"{\"ok\": true,\n \"error\": \"\xff\"}"), &["line 2, column 12", "0xff", "UTF-8"]);
    refused(&response("[1]"), &["found an array, but only an object is allowed"]);
    refused(&response("7"), &["found the number 7, but only an object is allowed"]);
    refused(&response("{\"ok\": true} x"), &["line 1, column 14", "trailing characters"]);
    refused(&response("{\"ok\": tru}"), &["line 1, column 1"]);
    refused(&response(r#"{"ok": true, "error": "\ud800"}"#), &["#/error"]);
}

#[test]
fn an_object_that_is_no_response_is_refused() {
    refused(&response("{}"), &["none of the keys of a response"]);
    refused(&response(r#"{"enabled": true, "body": {}}"#), &["none of the keys of a response"]);
    refused(
        &response(r#"{"format": "rollproof.report/v1", "decision": "pass"}"#),
        &["#/format", "rollproof.report/v1"],
    );
    refused(&response(r#"{"format": "rollproof.document/v2"}"#), &["#/format", "rollproof.document/v2"]);
}

#[test]
fn wrong_rows_are_named() {
    refused(&response(r#"{"results": [[]]}"#), &["#/results/0,", "found an array, but only an object is allowed"]);
    refused(&response(r#"{"results": {"a": 1}}"#), &["#/results,", "found an object, but an array or null is allowed"]);
    refused(
        &response(r#"{"results": [{"slug": 7}]}"#),
        &["#/results/0/slug", "found the number 7, but a string or null"],
    );
    for number in ["1.5", "1e3", "99999999999999999999", "-0.0"] {
        let ran = response(format!(r#"{{"results": [{{"slug": "a", "ssm_exit_code": {number}}}]}}"#));
        refused(
            &ran,
            &["#/results/0/ssm_exit_code", &format!("found the number {number}, but a whole number or null")],
        );
    }
    let one_too_large = r#"{"results": [{"slug": "a", "ssm_exit_code": 9223372036854775808}]}"#;
    refused(&response(one_too_large), &["#/results/0/ssm_exit_code", "a number up to 9223372036854775807 is allowed"]);
    refused(&response(r#"{"results": [{"slug": "a", "ssm_exit_code": 1e999}]}"#), &["#/results/0/ssm_exit_code"]);
}

#[test]
fn the_same_key_twice_is_refused_wherever_it_stands() {
    refused(&response(r#"{"ok": false, "ok": true}"#), &["#/ok", "the same key twice"]);
    refused(&response(r#"{"ok": false, "o\u006b": true}"#), &["#/ok", "the same key twice"]);
    refused(&response(r#"{"results": [{"slug": "a", "slug": "b"}]}"#), &["#/results/0/slug", "twice"]);
    refused(&response(r#"{"results": [{"slug": "a", "new": 1, "new": 1}]}"#), &["#/results/0/new", "twice"]);
    // What a field holds that nobody reads harms nobody.
    unread(&response(r#"{"ok": true, "x": [{"a/b": 1, "a/b": 1}]}"#), "/x");
    refused(&fleet(r#"[{"slug": "a", "labels": {"t": "1", "t": "2"}}]"#), &["#/0/labels/t", "twice"]);
    refused(&plan(r#"{"enabled": true, "enabled": true, "body": {"target_tag": "a"}}"#), &["#/enabled", "twice"]);
    refused(&plan(r#"{"enabled": true, "body": {"target_tag": "a", "x": 1, "x": 2}}"#), &["#/body/x", "twice"]);
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    refused(&response(&deep), &["nested deeper than 64 levels"]);
    unread(&response(format!(r#"{{"ok": true, "x": {deep}}}"#)), "/x");
    unread(&response(format!(r#"{{"results": [{{"x": {deep}}}]}}"#)), "/results/0/x");
    refused(&response(format!(r#"{{"results": [{{"slug": {deep}}}]}}"#)), &["#/results/0/slug"]);
    refused(&fleet(&deep), &["#/0,"]);
    refused(&response("[".repeat(10_000)), &["line 1, column"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let case = Case::new();
    refused(&case.run(["verify", "gone.json"]), &["gone.json: cannot read it", "check the path"]);
    refused(&case.run(["verify", "."]), &["it is a folder, but a file is expected", "name a file"]);
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    refused(
        &case.run(["verify", "response.json", "--max-input-bytes", "10"]),
        &["limit of 10 bytes", "--max-input-bytes"],
    );
    refused(&case.run(["verify", "response.json", "--fleet", "gone"]), &["gone: cannot read it"]);
    let ran = case.run_with_input(["verify", "-", "--max-input-bytes", "10"], &[b' '; 4096]);
    refused(&ran, &["(standard input): it is larger"]);
}

#[test]
fn a_response_given_as_a_fleet_is_refused() {
    let live = r#"{"ok": true, "results": [{"slug": "a", "ssm_status": "Success"}]}"#;
    refused(&fleet(live), &["#/results/0/ssm_status", "found the string \"Success\"", "DryRun"]);
    let verified = r#"{"ok": true, "results": [{"slug": "a", "verified_on_target": null}]}"#;
    refused(&fleet(verified), &["#/results/0/verified_on_target", "enumerates nobody"]);
    refused(&fleet(r#"{"ok": false, "results": []}"#), &["#/ok", "found the boolean false, but only true"]);
    refused(&fleet(r#"{"results": []}"#), &["the key \"ok\" is missing"]);
    refused(&fleet(r#"{"ok": true}"#), &["the key \"results\" is missing"]);
}

#[test]
fn wrong_fleets_are_named() {
    refused(&fleet(r#"["a", ""]"#), &["#/1,", "a slug that is not blank"]);
    refused(&fleet(r#"["a", 7]"#), &["#/1,", "found the number 7, but only a string"]);
    refused(&fleet(r#"[{"labels": {}}]"#), &["#/0,", "the key \"slug\" is missing"]);
    refused(&fleet(r#"[{"slug": "a", "lables": {}}]"#), &["#/0/lables", "did you mean \"labels\"?"]);
    refused(&fleet(r#"[{"slug": "a", "labels": {"tier": 1}}]"#), &["#/0/labels/tier", "found the number 1"]);
    refused(&fleet(b"acme\n\xff"), &["line 2, column 1", "UTF-8"]);
    refused(&fleet("\u{feff}{\"ok\": true, \"results\": []}"), &["byte-order mark"]);
    refused(&fleet(""), &["the file is empty"]);
}

/// A list of slugs in a format of its own names nobody: each of its lines would be a tenant.
#[test]
fn a_fleet_in_another_format_is_named() {
    let forms = "help: a fleet is the answer to a plan call (a dry run), a JSON array of slugs, a JSON array of";
    for (text, place, asks) in [
        ("slug,tier\nacme,gold\nbolt,free\n", "line 1, column 5", "is this CSV? (so are 2 more lines)"),
        ("acme\n\n  bolt;gold\n", "line 3, column 7", "is this CSV?"),
        ("acme\tgold\n", "line 1, column 5", "is this CSV?"),
        ("acme, bolt, cobalt", "line 1, column 5", "is this CSV?"),
        ("tenants:\n  - acme\n", "line 1, column 8", "is this YAML? (so is 1 more line)"),
        ("- acme\n- bolt\n", "line 1, column 2", "is this YAML?"),
        ("<!DOCTYPE html>\n<html>\n", "line 1, column 1", "is this HTML or XML?"),
        ("acme\n\"bolt\"\n", "line 2, column 1", "slugs have no quotes"),
        ("'acme'\n", "line 1, column 1", "slugs have no quotes"),
        ("acme\nbolt]\n", "line 2, column 5", "is this JSON that was cut?"),
        ("acme bolt # two\n", "line 1, column 5", "does a line hold more than one slug?"),
    ] {
        let ran = fleet(text);
        refused(&ran, &[place, asks, forms]);
        assert!(!ran.stderr.contains("where it comes from"), "{}", ran.stderr);
    }
    for text in
        ["{\"slug\": \"a\"}\n{\"slug\": \"b\"}\n", "{\"tenants\": [\"a\"]}", "[\"a\", \"b\",]", "{\"slug\": \"a\"}"]
    {
        refused(&fleet(text), &[forms]);
    }
    for text in [
        "acme # a comment, with: signs\n# <none>, {here}\nbolt.example/x_1-2@3\n",
        "\u{feff}acme\n",
        "\u{feff}[\"a b\", \"c,d\"]",
    ] {
        assert_eq!(fleet(text).code, 1, "{text}: {}", fleet(text).stderr);
    }
}

#[test]
fn utf_16_is_named_in_all_evidence() {
    let utf16 = |text: &str, mark: bool| -> Vec<u8> {
        let mark = if mark { Some(0xfeff) } else { None };
        mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    for mark in [true, false] {
        for ran in [response(utf16("{\"ok\": true}", mark)), plan(utf16("{}", mark)), fleet(utf16("acme\n", mark))] {
            refused(&ran, &["found UTF-16, but only UTF-8 is read", "save the file as UTF-8"]);
        }
    }
    refused(&plan("\u{feff}{}"), &["byte-order mark"]);
}

#[test]
fn wrong_plans_are_named() {
    refused(&plan(r#"{"enabled": true}"#), &["the key \"body\" is missing"]);
    refused(&plan(r#"{"enabled": true, "body": null}"#), &["#/body,", "found null"]);
    refused(&plan(r#"{"enabled": true, "body": {}}"#), &["#/body,", "the key \"target_tag\" is missing"]);
    refused(&plan(r#"{"enabled": true, "body": {"target_tag": " "}}"#), &["#/body/target_tag", "not blank"]);
    refused(
        &plan(r#"{"enabled": true, "body": {"target_tag": "a", "batch_size": 0}}"#),
        &["#/body/batch_size", "from 1 up"],
    );
    refused(
        &plan(r#"{"enabled": true, "body": {"target_tag": "a", "max_stragglers": 1.0}}"#),
        &["found the number 1.0"],
    );
    refused(&plan(r#"{"enabled": "yes", "body": 3}"#), &["#/enabled", "#/body"]);
}

#[test]
fn an_inconsistent_document_is_refused() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "a", "verified_on_target": true}]}"#);
    case.file("fleet.txt", "a\nb\n");
    let ran = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--document", "document.json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let document = std::fs::read_to_string(case.path("document.json")).expect("it was written");
    for (from, to, place) in [
        (r#""tenants":["b"]"#, r#""tenants":["a"]"#, "#/cohorts/1/tenants/0"),
        (r#""tenants":["b"]"#, r#""tenants":[" "]"#, "#/cohorts/1/tenants/0"),
        (r#""source":"file","tenants":2"#, r#""source":"file","tenants":1"#, "#/fleet/tenants"),
        (r#"[[{"row":0}]]"#, r#"[[{"row":0}],[{"row":1}]]"#, "#/cohorts/0/origins"),
        (r#"[[{"row":0}]]"#, "[[]]", "#/cohorts/0/origins/0"),
        (r#"[[{"row":0}]]"#, r#"[[{"row":0}],[]]"#, "#/cohorts/0/origins/1"),
        (r#"[[{"row":0}]]"#, r#"[[{"row":0}],[{"row":1},{"row":2}]]"#, "#/cohorts/0/origins/1"),
        (r#""calls":[]"#, r#""calls":[{"purpose":"bach","tenants":[],"attempts":[]}]"#, "#/calls/0/purpose"),
        (r#""calls":[]"#, r#""cals":[]"#, "did you mean \"calls\"?"),
    ] {
        assert!(document.contains(from), "{from} is not in {document}");
        case.file("changed.json", document.replace(from, to));
        refused(&case.run(["verify", "changed.json"]), &[place]);
    }
}

/// Whatever number stands where one belongs, and however long a list is: a document that is refused says why.
#[test]
fn every_refusal_of_a_document_says_why() {
    let case = Case::new();
    let numbers = ["-1", "1.5", "4294967296", "9223372036854775808", "18446744073709551616", "1e400", "null"];
    let (mut tried, step) = (0, if is_exhaustive() { 1 } else { 3 });
    for fixture in ["coverage/every-state", "evidence/duplicate-in-plan-call", "build/stale", "calls/live-one-502"] {
        let folder = root().join("fixtures").join(fixture);
        let evidence = ["response.json", "run.journal", "document.json"].map(|name| folder.join(name));
        let evidence = evidence.iter().find(|path| path.exists()).expect("it has evidence");
        let mut args = vec![
            "verify".into(),
            evidence.clone().into_os_string(),
            "--document".into(),
            case.path("document.json").into_os_string(),
        ];
        for (option, name) in [("--plan", "plan.json"), ("--fleet", "fleet.json")] {
            if folder.join(name).exists() && evidence.ends_with("response.json") {
                args.extend([option.into(), folder.join(name).into_os_string()]);
            }
        }
        let ran = case.run(args);
        assert!(ran.code <= 3, "{fixture}: {}", ran.stderr);
        let document: Value = serde_json::from_str(&read(&case.path("document.json"))).expect("it is JSON");
        for pointer in sample(pointers(&document, ""), step) {
            for changed in changes(&document, &pointer, &numbers) {
                let source = Source::new(case.file("changed.json", changed));
                let sources = Sources {
                    evidence: source,
                    fleet: None,
                    plan: None,
                    fields: EvidenceFields::default(),
                    max_bytes: 1 << 20,
                };
                tried += 1;
                if let Err(error) = collect(&sources, Timestamp::UNIX_EPOCH) {
                    let error = error.to_string();
                    assert!(!error.contains("for an unknown reason"), "{fixture}{pointer}: {error}");
                }
            }
        }
    }
    assert!(tried * step > 1000, "{tried}");
}

/// Half of a surrogate pair is JSON and no text. Where names are anybody's, such as labels, that is a fault as any other.
#[test]
fn a_name_that_is_no_text_is_refused_with_its_place() {
    let case = Case::new();
    let response = r#"{"ok":true,"results":[{"slug":"acme","verified_on_target":true}]}"#;
    let fleet = r#"[{"slug":"acme","labels":{"tier":"gold"}},"bolt"]"#;
    let plan = r#"{"enabled":true,"target_tag":"t","body":{"target_tag":"t","max_stragglers":0}}"#;
    for (name, text) in [("response.json", response), ("fleet.json", fleet), ("plan.json", plan)] {
        case.file(name, text);
    }
    let args = ["--fleet", "fleet.json", "--plan", "plan.json", "--document", "document.json"];
    assert_eq!(case.run(["verify", "response.json"].iter().chain(&args)).code, 1);
    let document = read(&case.path("document.json"));
    let mut refusals = Vec::new();
    for (name, text) in
        [("response.json", response), ("fleet.json", fleet), ("plan.json", plan), ("document.json", &document)]
    {
        for (end, _) in text.match_indices("\":") {
            case.file(name, format!("{}\\ud800{}", &text[..end], &text[end..]));
            let source = |file: &str| Source::new(case.path(file));
            let is_document = name == "document.json";
            let sources = Sources {
                evidence: source(if is_document { name } else { "response.json" }),
                fleet: (!is_document).then(|| source("fleet.json")),
                plan: (!is_document).then(|| source("plan.json")),
                fields: EvidenceFields::default(),
                max_bytes: 1 << 20,
            };
            if let Err(error) = collect(&sources, Timestamp::UNIX_EPOCH) {
                refusals.push(error.to_string());
                assert!(!refusals.last().expect("one").contains("for an unknown reason"), "{refusals:?}");
            }
        }
        case.file(name, text);
    }
    let [fleet, document] = ["fleet.json#/0/labels/tier\\ud800", "document.json#/cohorts/0/labels/tier\\ud800"];
    for place in [fleet, document] {
        let is_told = |error: &String| error.contains(place) && error.contains(": found a key that is no text, for ");
        assert!(refusals.iter().any(is_told), "{place}: {refusals:#?}");
    }
}

/// Where everything in a value stands.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = below.into_iter().flat_map(|(key, value)| pointers(value, &format!("{at}/{key}")));
    std::iter::once(at.to_owned()).chain(below).collect()
}

/// A document with other numbers in one place, or with another list there.
fn changes(document: &Value, pointer: &str, numbers: &[&str]) -> Vec<String> {
    const HERE: &str = "\"here\"";
    let with = |text: &str| {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).expect("it is there") = json!("here");
        changed.to_string().replace(HERE, text)
    };
    match document.pointer(pointer) {
        Some(Value::Number(_)) => numbers.iter().map(|number| with(number)).collect(),
        Some(Value::Array(items)) => {
            let twice: Vec<&Value> = items.iter().chain(items.last()).collect();
            let fewer = items.split_last().map_or_else(Vec::new, |(_, rest)| rest.to_vec());
            vec![with("[]"), with("[[]]"), with(&json!(twice).to_string()), with(&json!(fewer).to_string())]
        }
        _ => Vec::new(),
    }
}

#[test]
fn what_is_odd_but_no_fault_is_taken() {
    let taken = |ran: Ran| assert!([0, 1, 3].contains(&ran.code), "{}", ran.stderr);
    taken(response(r#"{"results": null}"#));
    taken(response(r#"{"ok": null, "error": null, "message": null, "stragglers": null, "results": []}"#));
    taken(response(
        r#"{"results": [{"slug": null, "phase": null, "ssm_status": null, "ssm_exit_code": null, "healthz_ok": null, "verified_on_target": null, "running_image": null, "error": null}]}"#,
    ));
    taken(response(r#"{"results": [{"slug": "a\u0000b\n"}]}"#));
    taken(response(r#"{"results": [{"slug": "a", "ssm_exit_code": -9223372036854775808}]}"#));
    taken(fleet("[]"));
    taken(fleet(r#"["a", "a", {"slug": "a", "labels": {"tier": "gold"}}]"#));
    taken(fleet("# nobody\n"));
    taken(plan(r#"{"enabled": true, "sha": null, "body": {"target_tag": "a", "canary_slug": null}}"#));
}

/// A name that differs from a tenant's only in what nobody sees is another name, and every finding about it says so.
#[test]
fn a_name_that_looks_like_a_tenant_is_told_from_it() {
    let case = Case::new();
    let row =
        |slug: &str| json!({"slug": slug, "ssm_status": "Success", "ssm_exit_code": 0, "verified_on_target": true});
    let rows = |slugs: &[&str]| json!({"ok": true, "results": slugs.iter().map(|slug| row(slug)).collect::<Vec<_>>()});
    case.file("fleet.json", json!(["north", "south", "caf\u{e9}"]).to_string());
    case.file("plan.json", json!({"enabled": true, "body": {"target_tag": "t", "canary_slug": "NORTH"}}).to_string());
    let findings = |response: Value, more: &[&str]| -> Vec<(String, String)> {
        case.file("response.json", response.to_string());
        let args = ["verify", "response.json", "--format", "json", "--document", "document.json"];
        let ran = case.run(args.iter().chain(more));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        // The document says the same.
        let again: Value = serde_json::from_str(&case.run(["verify", "document.json", "--format", "json"]).stdout)
            .expect("a report of the document");
        assert_eq!(report["findings"].as_array().map(Vec::len), again["findings"].as_array().map(Vec::len));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let findings = report["findings"].as_array().expect("a list").iter();
        findings.map(|finding| (text(&finding["code"]), text(&finding["message"]))).collect()
    };
    let said = |findings: &[(String, String)], code: &str, hint: &str| {
        let found = findings.iter().filter(|(of, _)| of == code).any(|(_, message)| message.contains(hint));
        assert!(found, "{code}: {hint:?} is not in {findings:#?}");
    };
    let with_fleet = ["--fleet", "fleet.json", "--plan", "plan.json"];
    for (slug, hint) in [
        ("South", "South differs only in case from south"),
        ("south\u{200b}", "south\u{200b} differs only in invisible characters from south"),
        ("so\u{a0}uth", "so\u{a0}uth differs only in white space from south"),
        ("\u{ff33}outh", "differs only in case and Unicode form from south"),
    ] {
        let found = findings(rows(&["north", slug, "caf\u{e9}"]), &with_fleet);
        said(&found, "coverage.incomplete", hint);
        said(&found, "evidence.unplanned_tenants", hint);
        said(&found, "canary.not_in_fleet", "NORTH differs only in case from north");
    }
    let found = findings(rows(&["north", "south", "cafe\u{301}"]), &with_fleet);
    said(&found, "coverage.incomplete", "cafe\u{301} differs only in Unicode form from caf\u{e9}");

    // Both are rows, and nobody gave a fleet.
    let found = findings(rows(&["north", "south", "South"]), &["--param", "fleet_from_response=true"]);
    said(
        &found,
        "evidence.duplicate_in_fleet",
        "2 tenants of the fleet look alike; South differs only in case from south",
    );
    let found = findings(rows(&["north", "south", "Sud"]), &["--param", "fleet_from_response=true"]);
    assert!(found.iter().all(|(code, _)| code != "evidence.duplicate_in_fleet"), "{found:#?}");

    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    case.file(
        "waivers.toml",
        format!(
            "[[waiver]]\ncode = \"coverage.*\"\ntenants = [\"SOUTH\"]\nreason = \"x\"\nowner = \"x\"\n\
             granted = {today}\nexpires = {today}\n"
        ),
    );
    let args = ["--fleet", "fleet.json", "--waivers", "waivers.toml"];
    let ran = {
        case.file("response.json", rows(&["north", "caf\u{e9}"]).to_string());
        case.run(["verify", "response.json"].iter().chain(&args))
    };
    assert!(
        ran.stdout.replace("\n          ", " ").contains("SOUTH differs only in case from south"),
        "{}",
        ran.stdout
    );
}

/// A list of them is part of the document, and has to be what the names say.
#[test]
fn lookalikes_of_a_document_are_checked() {
    let case = Case::new();
    case.file("fleet.txt", "south\n");
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "South", "verified_on_target": true}]}"#);
    case.run(["verify", "response.json", "--fleet", "fleet.txt", "--document", "document.json"]);
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(case.path("document.json")).expect("it is there")).expect("a document");
    assert_eq!(document["fleet"]["lookalikes"][0]["differs_in"], json!(["case"]));
    document["fleet"]["lookalikes"][0]["tenant"] = json!("north");
    case.file("document.json", document.to_string());
    let ran = case.run(["verify", "document.json"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("#/fleet/lookalikes"), "{}", ran.stderr);
}

/// White space at the end of a key would not be seen.
#[test]
fn a_pointer_with_white_space_stands_in_quotation_marks() {
    let ran = response(r#"{"ok": true, "results": [{"slug": "a", "verified_on_target ": false}]}"#);
    let at = "at    \"response.json#/results/0/verified_on_target \"\n";
    assert!(ran.stdout.contains(at), "{}", ran.stdout);
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    case.file("plan.json", r#"{"enabled": true, "body": {"target_tag": "t", "dryRun ": true}}"#);
    let ran = case.run(["verify", "response.json", "--plan", "plan.json"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("\"plan.json#/body/dryRun \", line 1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("help: rename \"dryRun \" to \"dry_run\", or leave it out"), "{}", ran.stderr);
}

/// Whoever wrote a plan is not asked for it again.
#[test]
fn a_wrong_plan_is_corrected_and_not_asked_for_again() {
    for text in [r#"{"enabled": true}"#, r#"{"enabled": true, "body": {"target_tag": "a", "batch_size": 0}}"#] {
        let ran = plan(text);
        refused(&ran, &["rollproof plan"]);
        assert!(!ran.stderr.contains("ask for it again"), "{text}: {}", ran.stderr);
    }
    // A response comes from elsewhere.
    let ran = response("{\"ok\": 1}");
    refused(&ran, &["ask for it again where it comes from"]);
}

/// What is a journal but for something before its first record is refused as a journal.
#[test]
fn a_journal_with_something_before_it_is_told_from_a_response() {
    let journal = crate::support::read(&crate::support::root().join("fixtures/healthy/gates-open/run.journal"));
    for (before, told) in [
        (" ", "white space"),
        ("\n\n", "white space"),
        ("\u{feff}", "byte-order mark"),
        ("\u{feff} ", "byte-order mark"),
    ] {
        let ran = response(before.to_owned() + &journal);
        refused(&ran, &["a journal begins with {\"record\":", told]);
        assert!(!ran.stderr.contains("trailing characters"), "{}", ran.stderr);
    }
    let spaced = journal.replacen("{\"record\":", "{ \"record\": ", 1);
    refused(&response(spaced), &["a journal begins with {\"record\":"]);
}

/// Which keys are known is told from the part of the schema that the value stands in.
#[test]
fn a_key_of_a_document_that_is_not_known_is_told_from_its_neighbours() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    assert_eq!(case.run(["verify", "response.json", "--document", "d.json"]).code, 3);
    let document: Value = crate::support::read_json(&case.path("d.json"));
    for (at, wrong, meant) in [
        ("/cohorts/0", "tennants", "tenants"),
        ("/fleet", "sourc", "source"),
        ("", "cohort", "cohorts"),
        ("/provenance", "inpust", "inputs"),
    ] {
        let mut changed = document.clone();
        let object = changed.pointer_mut(at).and_then(Value::as_object_mut).expect("an object");
        object.insert(wrong.into(), json!(1));
        case.file("changed.json", changed.to_string());
        let told = format!("{at}/{wrong}");
        refused(&case.run(["verify", "changed.json"]), &[&told, &format!("did you mean \"{meant}\"?")]);
    }
}

/// A word that is none of those that are known is told with all of them.
#[test]
fn a_word_of_a_document_that_is_not_known_is_told_with_those_that_are() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    assert_eq!(case.run(["verify", "response.json", "--document", "d.json"]).code, 3);
    let document = crate::support::read(&case.path("d.json"));
    for (wrong, told) in [
        (
            "\"source\": \"respons\"",
            &["#/fleet/source", "found the string \"respons\"", "\"file\"", "did you mean \"response\"?"][..],
        ),
        ("\"source\": 7", &["#/fleet/source", "found the number 7", "one of \"plan_call\""]),
    ] {
        let changed = document.replace("\"source\": \"response\"", wrong).replace("\"source\":\"response\"", wrong);
        assert_ne!(changed, document, "{document}");
        case.file("d.json", changed);
        let ran = case.run(["verify", "d.json"]);
        refused(&ran, told);
        assert!(!ran.stderr.contains("oneOf"), "{}", ran.stderr);
    }
}
