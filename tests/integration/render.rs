//! What people read on a terminal, in lists that are shortened, and of evidence that tries to be more than text.

use serde_json::{Value, json};

use crate::judged::without_digests;
use crate::support::{Case, expectation, fixture_args, rollproof, root, run, snapshot};

#[test]
fn colour() {
    let folder = root().join("fixtures/coverage/every-state");
    let case = expectation(&folder);
    let mut command = rollproof();
    command.args(fixture_args(&folder, &case)).env("CLICOLOR_FORCE", "1").current_dir(&folder);
    snapshot("text-colour.txt", &without_digests(&run(&mut command).stdout.replace('\u{1b}', "␛")));
}

#[test]
fn a_long_list_is_shortened_with_the_way_to_see_all() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "t00", "verified_on_target": true}]}"#);
    case.file("fleet.txt", (0..60).map(|i| format!("t{i:02}\n")).collect::<String>());
    let text = case.run(["verify", "response.json", "--fleet", "fleet.txt"]).stdout;
    assert!(text.contains("and 39 more; --format json names all"), "{text}");
    let json = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--format", "json"]).stdout;
    assert!(json.contains("\"t59\""));
    let github = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--format", "github"]).stdout;
    assert!(github.contains("and 49 more"), "{github}");
}

/// Slugs, phases, images and unknown fields that would be commands, markup or movement of the cursor.
#[test]
fn evidence_is_only_ever_text() {
    let hostile = [
        "a\\n::error::pwned",
        "b\\r\\n::set-output name=x::y",
        "c|d`e`",
        "<script>alert(1)</script>",
        "[x](http://evil)",
        "\\u001b[2J\\u001b]0;t\\u0007",
        "\\u202egnp.exe",
        "%0A::error::x",
        "@everyone",
        "\\u0000",
        "\\u2028::error::z",
        "[[ATTACHMENT|/etc/passwd]]",
        "]]></failure><failure>{0} {{1}}",
    ];
    let rows: Vec<String> = hostile
        .iter()
        .map(|text| format!(r#"{{"slug": "{text}", "phase": "{text}", "running_image": "r:{text}", "ssm_status": "{text}", "{text}": 1}}"#))
        .collect();
    let case = Case::new();
    case.file(
        "response.json",
        format!(r#"{{"ok": false, "error": "{}", "results": [{}]}}"#, hostile[0], rows.join(",")),
    );
    case.file(
        "plan.json",
        r#"{"enabled": true, "body": {"target_tag": "a|b\n::error::c", "canary_slug": "x\n::error::canary"}}"#,
    );
    for format in ["text", "summary", "markdown", "github", "json", "junit", "sarif", "jsonl", "outputs"] {
        for errors in [&[][..], &["--show-errors"]] {
            let args = ["verify", "response.json", "--plan", "plan.json", "--format", format];
            let out = case.run(args.iter().chain(errors)).stdout;
            let odd: Vec<char> = out
                .chars()
                .filter(|c| (c.is_control() && *c != '\n') || matches!(*c, '\u{2028}' | '\u{202e}'))
                .collect();
            if format == "outputs" {
                assert_eq!(out.lines().count(), 5, "{out}");
            } else if !format.starts_with("json") {
                assert!(odd.is_empty(), "{format}: {odd:?}");
            }
            if format == "junit" {
                let junit = quick_junit::Report::deserialize_from_str(&out).expect("JUnit XML");
                assert_eq!(junit.test_suites.len(), 2);
                assert!(!out.contains("[[") && out.matches("<failure").count() == junit.failures, "{out}");
            }
            if format == "sarif" {
                let said = serde_json::from_str::<Value>(&out).expect("SARIF")["runs"][0]["results"].to_string();
                let placeholder = said.replace("{{", "").replace("}}", "").contains("{0}");
                assert!(!said.contains("](") && !placeholder, "{said}");
            }
            for line in out.lines() {
                let commands = ["::error title=", "::warning title=", "::notice title="];
                let is_command = line.trim_start().starts_with("::");
                assert!(
                    !is_command || (format == "github" && commands.iter().any(|c| line.starts_with(c))),
                    "{format}: {line}"
                );
                if format == "github" {
                    assert!(!line.contains("%0A") && is_command, "{line}");
                }
                if format == "markdown" {
                    for markup in ["<script", "`", "](", "@everyone"] {
                        assert!(!line.contains(markup), "{line}");
                    }
                    if line.starts_with("| ") {
                        assert!([4, 9].contains(&line.matches('|').count()), "{line}");
                    }
                }
            }
        }
    }
}

/// A table that holds not everything says so, and no other does.
#[test]
fn a_table_of_rows_says_whether_rows_are_left_out() {
    let rows_of = |tenants: usize, bad: usize| {
        let case = Case::new();
        let rows: Vec<Value> = (0..tenants)
            .map(|i| json!({"slug": format!("t{i:04}"), "ssm_status": "Success", "verified_on_target": i >= bad}))
            .collect();
        case.file("r.json", json!({"ok": true, "results": rows}).to_string());
        let slugs: Vec<String> = (0..tenants).map(|i| format!("t{i:04}")).collect();
        case.file("f.txt", slugs.join("\n"));
        let page = case.run(["verify", "r.json", "--fleet", "f.txt", "--format", "markdown"]).stdout;
        let (_, table) = page.split_once("### Rows\n").expect("a table");
        (
            table.lines().filter(|line| line.starts_with("| t")).count(),
            table
                .lines()
                .rfind(|line| !line.is_empty() && !line.starts_with("SHA-256 of"))
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let (shown, last) = rows_of(500, 0);
    assert!(shown == 500 && last.starts_with("| t"), "{shown}: {last}");
    let selected = "Only the rows of denied tenants and stragglers are shown";
    let (shown, last) = rows_of(600, 3);
    assert!(shown == 3 && last == format!("{selected}."), "{shown}: {last}");
    let (shown, last) = rows_of(1200, 700);
    assert!(shown == 500 && last.starts_with(&format!("{selected}, the first 500 of them")), "{shown}: {last}");
}
