//! Waivers and modes on the command line: what is refused, and what becomes of a verdict.

use serde_json::Value;

use crate::support::{Case, Ran};

const RESPONSE: &str = r#"{"ok": true, "results": [
  {"slug": "acme", "ssm_status": "Success", "verified_on_target": true, "healthz_ok": false}]}"#;

const PLAN: &str = r#"{"enabled": true, "sha": "abc", "body": {"target_tag": "staging-abcdef1", "dry_run": false}}"#;

/// A healthy tenant would make two: one is unhealthy, one was skipped.
fn case() -> Case {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\nbolt\n");
    case.file("plan.json", PLAN);
    case
}

fn verify(case: &Case, more: &[&str]) -> Ran {
    let args =
        ["verify", "response.json", "--fleet", "fleet.txt", "--plan", "plan.json", "--param", "max_stragglers=1"];
    case.run(args.iter().chain(more))
}

/// A waiver of this code, for `bolt`, that counts today.
fn waiver(code: &str) -> String {
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    format!(
        "[[waiver]]\ncode = {code:?}\ntenants = [\"bolt\"]\nreason = \"ticket 4711\"\nowner = \"ops\"\ngranted = {today}\nexpires = {today}\n"
    )
}

fn refused(text: &str) -> String {
    let case = case();
    case.file("waivers.toml", text);
    let ran = verify(&case, &["--waivers", "waivers.toml"]);
    assert_eq!((ran.code, &*ran.stdout), (2, ""), "{text}\n{}", ran.stderr);
    ran.stderr
}

#[test]
fn bad_waivers_are_named_with_file_line_and_remedy() {
    let good = waiver("coverage.incomplete");
    let without = |key: &str| {
        good.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect::<String>()
    };
    for key in ["code", "reason", "owner", "granted", "expires"] {
        let said = refused(&without(key));
        assert!(said.contains(&format!("missing field `{key}`")) && said.contains("waivers.toml: "), "{said}");
    }
    for (text, expected) in [
        (without("tenants"), "waivers.toml, line 1: it covers nobody: give tenants or labels"),
        (good.clone() + "labels = { tier = \"gold\" }\n", "line 1: give either tenants or labels, not both"),
        (good.replace("\"ops\"", "\" \""), "line 1: the owner is blank"),
        (good.replace("ticket 4711", ""), "line 1: the reason is blank"),
        (without("expires") + "expires = 2020-01-01\n", "line 1: it expires before it is granted"),
        (without("expires") + "expires = 2099-01-01\n", "days, but at most 90 are allowed"),
        (without("expires") + "expires = \"soon\"\n", "found \"soon\", but a day such as 2026-11-25 is expected"),
        (without("expires") + "expires = 2026-11-25T10:00:00Z\n", "but a day such as 2026-11-25 is expected"),
        (good.clone() + "until = 2026-11-25\n", "unknown field `until`"),
        (
            "\n\n".to_owned() + &waiver("coverage.incomplet"),
            "line 3: no policy has a code \"coverage.incomplet\" that may be waived; did you mean \"coverage.incomplete\"?",
        ),
        (waiver("calls.failed"), "line 1: calls.failed is never waivable"),
        (waiver("coverage.unproven_fleet"), "line 1: coverage.unproven_fleet is never waivable"),
        (waiver("canary.*"), "line 1: no policy has a code \"canary.*\" that may be waived"),
        (waiver("coverage.[a-z]*"), "but letters, digits, \"_\", \".\" and \"*\" are allowed"),
        ("waiver = 1".into(), "invalid type: integer `1`"),
    ] {
        let said = refused(&text);
        assert!(said.contains(expected) && said.contains("help: "), "{expected} is not in {said}");
    }
}

#[test]
fn every_bad_waiver_is_named_in_one_run_in_json_too() {
    let case = case();
    let bad = r#"{"waiver": [
  {"code": "coverage.incomplete", "tenants": ["bolt"], "reason": "r", "owner": " ", "granted": "2026-11-01", "expires": "2026-11-02"},
  {"code": "coverage.incomplete", "tenants": [], "reason": "r", "owner": "o", "granted": "2026-11-01", "expires": "2026-11-02"}]}"#;
    case.file("waivers.json", bad);
    let ran = verify(&case, &["--waivers", "waivers.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("waivers.json, line 2: the owner is blank"), "{}", ran.stderr);
    assert!(ran.stderr.contains("waivers.json, line 3: it covers nobody"), "{}", ran.stderr);
    assert_eq!(verify(&case, &["--waivers", "missing.toml"]).code, 2);
}

#[test]
fn a_waiver_turns_the_verdict_and_stands_in_the_report() {
    let case = case();
    case.file("rollproof.toml", "[waivers]\nfiles = [\"waivers.toml\"]\n[params]\nallow_unhealthy = true\n");
    case.file("waivers.toml", waiver("coverage.incomplete"));
    let args = ["verify", "response.json", "--fleet", "fleet.txt", "--plan", "plan.json", "--format", "json"];
    let ran = case.run(args);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!((ran.code, &report["decision"]), (0, &"pass".into()), "{}", ran.stdout);
    assert_eq!(report["findings"][0]["waived"]["owner"], "ops");
    assert_eq!((&report["summary"]["waived"], &report["summary"]["quarantined"]), (&1.into(), &0.into()));
    assert_eq!(report["stragglers"][0]["waived"], true);
    assert_eq!(report["inputs"].as_array().expect("a list").last().expect("one")["role"], "waivers");
    case.file(
        "rollproof.toml",
        "[waivers]\nmax_days = 0\nfiles = [\"waivers.toml\"]\n[params]\nallow_unhealthy = true\n",
    );
    assert_eq!(case.run(args).code, 0, "a waiver of one day lasts no day more");
}

fn configured(text: &str) -> Ran {
    let case = case();
    case.file("rollproof.toml", text);
    verify(&case, &[])
}

#[test]
fn a_policy_is_softened_in_the_open_or_not_at_all() {
    assert_eq!(configured("").code, 1);
    let reported = configured("[policies.health]\nmode = \"report\"\nreason = \"new checks\"\n");
    assert_eq!(reported.code, 0, "{}", reported.stdout);
    let lines: Vec<&str> = reported.stdout.lines().collect();
    assert_eq!(lines[1], "  policy rollproof.health only reports: new checks");
    assert!(reported.stdout.contains("but   only reported, and no deny: new checks"), "{}", reported.stdout);
    let off = configured("[policies.\"rollproof.health\"]\nmode = \"off\"\nreason = \"new checks\"\n");
    assert_eq!((off.code, off.stdout.lines().nth(1)), (0, Some("  policy rollproof.health is off: new checks")));
    assert!(off.stdout.contains("health off"), "{}", off.stdout);
    for (text, expected) in [
        (
            "[policies.health]\nmode = \"report\"\n",
            "[policies.health]: the policy is bundled, and its mode has no reason",
        ),
        ("[policies.heath]\nmode = \"off\"\nreason = \"r\"\n", "did you mean \"health\"?"),
        (
            "[policies.coverage]\nmode = \"report\"\nreason = \"r\"\n",
            "[policies.coverage]: a mode is not allowed, because coverage.unproven_fleet is never waivable",
        ),
        ("[policies.calls]\nmode = \"off\"\nreason = \"r\"\n", "is never waivable"),
        ("[policies.health]\nmode = \"quiet\"\nreason = \"r\"\n", "unknown variant `quiet`"),
    ] {
        let ran = configured(text);
        assert_eq!(ran.code, 2, "{text}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(expected), "{expected} is not in {}", ran.stderr);
    }
}

#[test]
fn a_policy_that_is_not_yet_effective_warns_and_says_from_when_on_it_denies() {
    let case = case();
    let policy = |day: &str| {
        format!(
            "# METADATA\n# title: Two\n# custom:\n#   effective_from: {day:?}\npackage team.two\n\ndeny contains \"one more is wanted\" if input.fleet.tenants == 2\n"
        )
    };
    case.file("two.rego", policy("2099-01-01"));
    let args = ["--policy", "two.rego", "--param", "allow_unhealthy=true"];
    let ran = verify(&case, &args);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("policy team.two only reports, until it denies from 2099-01-01 on"), "{}", ran.stdout);
    assert!(ran.stdout.contains("only reported: it denies rollouts from 2099-01-01 on"), "{}", ran.stdout);
    case.file("two.rego", policy("2020-01-01"));
    assert_eq!(verify(&case, &args).code, 1);
}

/// One name has one mode, however it is written, and only what judges rollouts has one.
#[test]
fn a_mode_is_given_once_and_to_a_policy_of_rollouts() {
    for modes in [["off", "report"], ["report", "off"], ["off", "off"]] {
        let [short, long] = modes.map(|mode| format!("mode = {mode:?}\nreason = \"a\"\n"));
        let twice = configured(&format!("[policies.health]\n{short}[policies.\"rollproof.health\"]\n{long}"));
        assert_eq!(twice.code, 2, "{modes:?}: {}", twice.stdout);
        let told = "[policies.health] and [policies.\"rollproof.health\"] are the same policy";
        assert!(twice.stderr.contains(told) && twice.stderr.contains("keep one"), "{}", twice.stderr);
    }
    for name in ["lag", "\"rollproof.lag\""] {
        let audit = configured(&format!("[policies.{name}]\nmode = \"report\"\nreason = \"a\"\n"));
        assert_eq!(audit.code, 2, "{}", audit.stdout);
        assert!(
            audit.stderr.contains("rollproof.lag judges audits, and only a policy of rollouts has a mode"),
            "{}",
            audit.stderr
        );
        assert!(!audit.stderr.contains("there is no policy"), "{}", audit.stderr);
    }
}

#[test]
fn every_file_of_waivers_is_read_though_one_cannot_be() {
    let case = case();
    case.file("blank.toml", waiver("coverage.incomplete").replace("ticket 4711", " "));
    case.file("broken.toml", "waiver = 1");
    let ran = verify(&case, &["--waivers", "blank.toml", "--waivers", "gone.toml", "--waivers", "broken.toml"]);
    assert_eq!(ran.code, 2);
    for told in ["blank.toml, line 1: the reason is blank", "gone.toml", "broken.toml: "] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}
