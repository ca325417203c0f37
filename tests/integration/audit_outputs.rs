//! Where people read an audit: in a pull request, a CI's test tab, a spreadsheet, a dashboard, and as one tenant's life.
//! The commands of docs/audit.md that need archives of their own are run here.

use serde_json::{Value, json};

use crate::audit::{Archives, GOOD, fleet, response};
use crate::support::{Ran, read, read_json, rollproof, root, run};

const SAMPLE: &str = "fixtures/lag/skipped-for-46-hours";
const UNTIL: [&str; 2] = ["--until", "2026-07-06T20:00:00Z"];

fn sample(command: &[&str], args: &[&str]) -> Ran {
    run(rollproof().args(command).arg(SAMPLE).args(UNTIL).args(args).current_dir(root()))
}

#[test]
fn every_format_says_the_verdict_who_was_behind_and_what_was_a_lie() {
    let said = |format: &str| {
        let ran = sample(&["audit"], &["--format", format]);
        assert_eq!((ran.code, &*ran.stderr), (1, ""), "{format}");
        ran.stdout
    };
    let markdown = said("markdown");
    for words in [
        "## ❌ FAIL: 2 rollouts were called green and were not",
        "### Tenants that were behind",
        "| agents-team | 2026-07-01T10:12:00Z | 2026-07-03T08:12:00Z | 46 h | 3 | unreached",
        "| cove | 2026-07-06T09:30:00Z | **now** |",
        "### Rollouts that are not what they were called",
        "| 2026-07-01T10:12:00Z | staging-4baf8f7 | green | **fail** |",
    ] {
        assert!(markdown.contains(words), "{words}: {markdown}");
    }
    let github = said("github");
    assert!(github.lines().all(|line| line.starts_with("::")), "{github}");
    assert!(github.starts_with("::error title=lag.false_green::2 rollouts were called green and were not"), "{github}");
    assert!(github.lines().last().is_some_and(|line| line.starts_with("::error title=rollproof::FAIL  ")), "{github}");
    let junit = said("junit");
    for words in [
        "<testcase name=\"rollproof.lag\" classname=\"rollproof.policies\">",
        "<testcase name=\"cove\" classname=\"rollproof.behind\">",
        "<testcase name=\"2026-07-01T10-12.response.json\" classname=\"rollproof.called\">",
        "type=\"lag.false_green\"",
    ] {
        assert!(junit.contains(words), "{words}: {junit}");
    }
    assert_eq!(
        junit.matches("<failure").count(),
        3,
        "the policy and two false greens, not who is behind within 24 h: {junit}"
    );
    let csv = said("csv");
    let mut table = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<Vec<String>> =
        table.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect();
    let header = table.headers().expect("a header").iter().collect::<Vec<_>>().join(" ");
    assert_eq!(header, "tenant group control_plane since until rollouts seconds seconds_seen state reason waived");
    let of = |i: usize| [&*rows[i][0], &*rows[i][3], &*rows[i][4], &*rows[i][6], &*rows[i][7]];
    assert_eq!(of(0), ["cove", "2026-07-06T09:30:00Z", "", "37800", "0"]);
    assert_eq!(of(1), ["agents-team", "2026-07-01T10:12:00Z", "2026-07-03T08:12:00Z", "165600", ""]);
    assert_eq!(rows.len(), 3);
}

#[test]
fn every_format_says_that_there_is_no_verdict() {
    let archives = Archives::new();
    for (format, words) in [
        ("markdown", "NO VERDICT"),
        ("github", "::error title="),
        ("junit", "<error"),
        ("csv", "no_verdict,\"the command line"),
    ] {
        let report = format!("{format}=out.{format}");
        let ran = archives.0.run(["audit", "nowhere", "--format", format, "--report", &report]);
        assert_eq!(ran.code, 2, "{format}");
        assert!(ran.stdout.to_uppercase().contains(&words.to_uppercase()), "{format}: {}", ran.stdout);
        assert!(!read(&archives.0.path(&format!("out.{format}"))).is_empty(), "{format}");
    }
}

#[test]
fn hostile_names_stay_text_in_every_format() {
    let archives = Archives::new();
    let hostile = "=cmd|'/c calc'!A1\u{1b}[31m\n::error::b\"\\";
    archives.file("2026-07-01.fleet.json", &json!(["acme", "bolt", hostile]));
    archives.file("2026-07-01.response.json", &response(&[("acme", true), ("bolt", true)]));
    for format in ["markdown", "github", "junit", "csv"] {
        let said = archives.audit(&["--format", format]).stdout;
        assert!(!said.contains('\u{1b}') && !said.contains("\n::error::b"), "{format}: {said}");
        assert!(!said.contains("\n=cmd"), "{format}: {said}");
    }
    archives.audit(&["--metrics", "audit.prom"]);
    let metrics = read(&archives.0.path("audit.prom"));
    assert!(!metrics.contains('\u{1b}') && metrics.lines().all(|line| !line.starts_with("::")), "{metrics}");
    assert_eq!(metrics.matches("rollproof_tenant_behind_seconds{").count(), 1);
}

#[test]
fn metrics_say_who_is_behind_and_for_how_long() {
    let archives = Archives::new();
    for environment in ["prod", "staging"] {
        let bad = environment == "prod";
        archives.file(&format!("{environment}/2026-07-01T00-00/fleet.json"), &fleet(&["acme", "bolt", "cove", "dune"]));
        archives.file(
            &format!("{environment}/2026-07-01T00-00/response.json"),
            &response(&[("acme", true), ("bolt", true), ("cove", true), ("dune", true)]),
        );
        archives.file(&format!("{environment}/2026-07-02T00-00/fleet.json"), &fleet(&["acme", "bolt", "cove"]));
        let answers = [GOOD[0], GOOD[1], ("cove", !bad)];
        archives.file(&format!("{environment}/2026-07-02T00-00/response.json"), &response(&answers));
    }
    let args = ["--group-by", "folder", "--metrics", "audit.prom", "--until", "2026-07-04T00:00:00Z"];
    assert_eq!(archives.audit(&args).code, 1);
    let metrics = read(&archives.0.path("audit.prom"));
    for line in [
        "rollproof_tenants{group=\"prod\",state=\"behind\"} 1",
        "rollproof_tenants{group=\"prod\",state=\"current\"} 2",
        "rollproof_tenants{group=\"prod\",state=\"gone\"} 1",
        "rollproof_tenants{group=\"staging\",state=\"behind\"} 0",
        "rollproof_tenant_behind_seconds{group=\"prod\",tenant=\"cove\"} 172800",
        "rollproof_false_greens{group=\"prod\"} 1",
        "rollproof_false_greens{group=\"staging\"} 0",
        "rollproof_newest_evidence_age_seconds{group=\"staging\"} 172800",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}: {metrics}");
    }
    assert_eq!(metrics.matches("rollproof_tenant_behind_seconds{").count(), 1, "those that are behind only");
    // An earlier file stays as it is where there is no verdict.
    assert_eq!(archives.0.run(["audit", "nowhere", "--metrics", "audit.prom"]).code, 2);
    assert_eq!(read(&archives.0.path("audit.prom")), metrics);
}

#[test]
fn a_tenants_life_is_told_rollout_by_rollout() {
    let json = sample(&["history", "agents-team"], &["--format", "json"]);
    assert_eq!((json.code, &*json.stderr), (0, ""));
    let history: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let schema = read_json(&root().join("schemas/history.schema.json"));
    let validator = jsonschema::validator_for(&schema).expect("it compiles");
    assert_eq!(
        validator.iter_errors(&history).map(|error| error.to_string()).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let life = &history["lives"][0];
    let steps = life["rollouts"].as_array().expect("rollouts");
    // It is the audit's own history, in words.
    let audit: Value = serde_json::from_str(&sample(&["audit"], &["--format", "json"]).stdout).expect("JSON");
    let tenants = audit["audit"]["tenants"].as_array().expect("tenants");
    let tenant = tenants.iter().find(|tenant| tenant["tenant"] == "agents-team").expect("it is there");
    assert_eq!(&life["summary"], tenant);
    let letters = steps.iter().map(|step| {
        let letter = step["state"].as_str().expect("a state").chars().next().expect("a letter");
        if step["behind"] == true { letter.to_ascii_uppercase() } else { letter }
    });
    assert_eq!(tenant["history"], json!(letters.collect::<String>()));

    let text = sample(&["history", "agents-team"], &[]).stdout;
    for words in ["behind 1 time, for 46 h altogether", "2026-07-01 10:12Z", "fail, called green", "unreached, behind"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let unknown = sample(&["history", "agents-taem"], &[]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"agents-team\"?"), "{}", unknown.stderr);
}

#[test]
fn a_life_in_two_groups_is_two_lives() {
    let archives = Archives::new();
    for (folder, cove) in [("prod", false), ("staging", true)] {
        archives.file(&format!("{folder}/2026-07-01/response.json"), &response(&[("acme", true), ("cove", cove)]));
    }
    archives.file("staging/2026-07-02/response.json", &response(&[("acme", true)]));
    archives.bytes("prod/2026-07-03/response.json", b"{");
    let args = ["history", "cove", "archives", "--group-by", "folder", "--until", "2026-07-31"];
    let ran = archives.0.run(args);
    assert_eq!(ran.code, 4, "it may be in what could not be read: {}", ran.stderr);
    for words in [
        "cove (prod): in the fleet of 1 rollout since 2026-07-01 00:00Z; behind 1 time",
        "cove (staging): in the fleet of 1 rollout",
        "missing, behind",
        "1 archive could not be read",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert_eq!(archives.0.run(args.iter().chain(&["--keep-going"])).code, 0);
}

/// On a terminal, no line but a command or a value of JSON is wider than the terminal, and no word is broken.
#[test]
fn an_audit_fits_the_terminal_with_whole_words() {
    let whole = sample(&["audit"], &[]).stdout;
    let words = |text: &str| -> std::collections::BTreeSet<String> {
        text.split_whitespace().map(|word| word.trim_matches(['[', ']', '"', ',']).to_owned()).collect()
    };
    for columns in [80, 120] {
        let command = format!(
            "stty rows 50 cols {columns}; NO_COLOR=1 {} audit {SAMPLE} --quiet {} {}",
            env!("CARGO_BIN_EXE_rollproof"),
            UNTIL[0],
            UNTIL[1]
        );
        let ran = run(std::process::Command::new("script").args(["-qec", &command, "/dev/null"]).current_dir(root()));
        let text = ran.stdout.replace('\r', "");
        assert!(text.contains("FAIL"), "{text} {}", ran.stderr);
        for line in text
            .lines()
            .filter(|line| !["rollproof explain", "seen  ["].iter().any(|raw| line.trim_start().starts_with(raw)))
        {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
        let broken: Vec<String> =
            words(&text).difference(&words(&whole)).filter(|word| *word != "seen").cloned().collect();
        assert_eq!(broken, Vec::<String>::new(), "{columns}");
    }
}

#[test]
fn verdicts_that_other_policies_would_turn_are_listed() {
    let archives = Archives::new();
    let behind = [("acme", true), ("bolt", true), ("cove", false)];
    archives.rollout("2026-07-01T10-00", 1, &GOOD).rollout("2026-07-02T10-00", 1, &behind);
    let policy = |name: &str, tenant: &str| {
        archives.0.file(
            name,
            format!(
                "# METADATA\n# title: Strict\n# description: {tenant} is proven.\npackage strict\n\ndeny contains finding if {{\n\tsome cohort in input.cohorts\n\tcohort.rows[0].verified_on_target == false\n\t{tenant:?} in cohort.tenants\n\tfinding := {{\"code\": \"strict.unproven\", \"message\": \"it is not proven\", \"tenants\": [{tenant:?}]}}\n}}\n"
            ),
        );
    };
    std::fs::create_dir_all(archives.0.path("old")).expect("a folder");
    std::fs::create_dir_all(archives.0.path("new")).expect("a folder");
    policy("old/strict.rego", "nobody");
    policy("new/strict.rego", "cove");
    let against = |policy: &str, other: &str| {
        let (code, report) = archives.report(&["--policy", policy, "--against", other, "--behind-for", "1000h"]);
        (code, report["comparison"].clone())
    };
    let (code, comparison) = against("new", "old");
    assert_eq!((code, &comparison["compared"], &comparison["against"]), (1, &json!(2), &json!(["old"])));
    let flips = comparison["flips"].as_array().expect("flips");
    assert_eq!(flips.len(), 1);
    assert_eq!((&flips[0]["was"], &flips[0]["now"]), (&json!("pass"), &json!("fail")));
    assert_eq!(
        (&flips[0]["only_now"][0]["code"], &flips[0]["only_now"][0]["tenants"]),
        (&json!("strict.unproven"), &json!(["cove"]))
    );
    assert_eq!(against("old", "new").1["flips"][0]["only_before"][0]["code"], "strict.unproven");
    assert_eq!(against("new", "new").1["flips"], json!([]));
    // A report names which policies decided: others are refused.
    let verify =
        ["verify", "archives/2026-07-01T10-00.response.json", "--policy", "old", "--report", "json=decided.json"];
    let ran = archives.0.run(verify);
    assert!(ran.code < 4, "{}", ran.stderr);
    assert_eq!(archives.audit(&["--against", "old", "--against", "decided.json", "--behind-for", "1000h"]).code, 0);
    let other = archives.audit(&["--against", "new", "--against", "decided.json"]);
    assert_eq!(other.code, 5, "{}", other.stderr);
    let none = archives.audit(&["--against", "archives/2026-07-01T10-00.response.json"]);
    assert!(
        none.code == 2 && none.stderr.contains("--against archives/2026-07-01T10-00.response.json: "),
        "{}",
        none.stderr
    );
    // Without the option a flip is no failure, and parameters are compared by a configuration.
    archives.0.file("strict.toml", "[params]\nmax_stragglers = 0\n");
    let args = ["--against", "strict.toml", "--behind-for", "1000h"];
    let ran = archives.audit(&args);
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    for words in ["1 of 2 verdicts flips against strict.toml", "fail    pass", "only before: coverage.incomplete"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert_eq!(archives.audit(&[&args[..], &["--deny-flips"]].concat()).code, 1);
    let markdown = archives.audit(&[&args[..], &["--format", "markdown"]].concat()).stdout;
    assert!(markdown.contains("| 2026-07-02T10:00:00Z | fail | **pass** |"), "{markdown}");
    for (more, annotation, failures) in [(&[][..], "::warning ", 0), (&["--deny-flips"][..], "::error ", 1)] {
        let said = |format| archives.audit(&[&args[..], more, &["--format", format]].concat()).stdout;
        let (github, junit) = (said("github"), said("junit"));
        let flip = "2026-07-02T10-00.response.json: fail before, pass now; only before: coverage.incomplete";
        assert!(github.contains(&format!("{annotation}title=rollproof::{flip}")), "{github}");
        assert!(github.contains("::notice title=rollproof::1 of 2 verdicts flips against strict.toml"), "{github}");
        let case = "<testcase name=\"2026-07-02T10-00.response.json\" classname=\"rollproof.flips\">";
        assert!(junit.contains(case) && junit.matches("<failure").count() == failures, "{junit}");
    }
    assert_eq!(archives.audit(&["--deny-flips"]).code, 2);
}
