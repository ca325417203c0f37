//! What comes from outside is shown and never obeyed: it moves no cursor, hides nothing, starts no line and no workflow
//! command, whatever stands beside it.

use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rollproof::internal::escape;
use serde_json::json;

use crate::support::{Case, Ran, is_exhaustive, random_cases, rollproof, run, sample};

/// Texts of what commands and escapes are made of.
fn hostile() -> impl Strategy<Value = String> {
    let parts = [
        ":",
        ":",
        "::",
        "#",
        "#",
        "##",
        "[",
        "##[",
        "::error::",
        "\n",
        "\r",
        "\t",
        "\0",
        "\u{1b}[2J",
        "\u{9b}",
        "\u{7f}",
        "\u{202e}",
        "\u{2028}",
        "\u{200b}",
        "\u{3164}",
        "\u{feff}",
        "\u{301}",
        "é",
        "界",
        "\u{1f600}",
        "%0A",
        "a",
        " ",
        "\\",
        "\"",
        "'",
        "]",
        "<",
        "&",
        "|",
        "@",
        "{0}",
        "](",
        "[[",
    ];
    vec(select(parts.to_vec()), 1..12).prop_map(|parts| parts.concat())
}

/// What may stand between two of them.
fn ours() -> impl Strategy<Value = &'static str> {
    select(vec!["", " ", ":", ": ", " :", "#", "[", "(", ".", "-"])
}

fn is_harmless(text: &str) -> bool {
    let seen = |c: char| (' '..='~').contains(&c) || c.escape_debug().len() == 1;
    !text.contains("::") && !text.contains("##[") && text.chars().all(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: random_cases(2_000), ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_it_is_a_command_whatever_its_neighbours_are(
        texts in (hostile(), hostile(), hostile()), own in (ours(), ours(), ours(), ours()),
    ) {
        let sinks = [escape::for_terminal, escape::for_markdown, escape::for_annotation, escape::for_junit, escape::for_sarif];
        for sink in sinks {
            let line = format!("{}{}{}{}{}{}{}", own.0, sink(&texts.0), own.1, sink(&texts.1), own.2, sink(&texts.2), own.3);
            prop_assert!(is_harmless(&line), "{texts:?} {line:?}");
        }
        let property = escape::for_property(&texts.0);
        prop_assert!(is_harmless(&property) && !property.contains([':', ',']), "{property:?}");
    }

    #[test]
    fn what_is_escaped_stays_as_it_is(text in hostile()) {
        let once = escape::for_terminal(&text);
        prop_assert_eq!(escape::for_terminal(&once), once.clone());
        prop_assert_eq!(escape::for_line(&once), once);
    }

    #[test]
    fn a_line_of_many_texts_is_one_harmless_line(texts in vec(hostile(), 1..5), own in ours()) {
        let line = escape::for_line(&texts.join(own));
        prop_assert!(is_harmless(&line), "{texts:?} {line:?}");
    }

    #[test]
    fn lines_behind_a_label_begin_where_no_line_of_ours_does(text in hostile()) {
        let block = escape::block("error: ", &text);
        prop_assert!(block.ends_with('\n'));
        for (i, line) in block.lines().enumerate() {
            prop_assert!(line.starts_with(if i == 0 { "error: " } else { "       " }) && is_harmless(line), "{line:?}");
        }
    }

    #[test]
    fn json_holds_the_same_and_shows_nothing_harmful(texts in vec(hostile(), 1..5)) {
        for write in [escape::write_json, escape::write_json_line] {
            let mut json = Vec::new();
            write(&mut json as &mut dyn Write, &texts).expect("memory takes it");
            let json = String::from_utf8(json).expect("it is UTF-8");
            prop_assert_eq!(&serde_json::from_str::<Vec<String>>(&json).expect("it is JSON"), &texts);
            let seen = |c: char| c == '\n' || (' '..='~').contains(&c) || c.escape_debug().len() == 1;
            prop_assert!(json.chars().all(seen) && !json.contains("##["), "{json:?}");
            prop_assert!(json.lines().all(|line| !line.trim_start().starts_with("::")), "{json:?}");
        }
    }
}

/// What an attacker writes wherever it can be written: one text of everything, and ends that a neighbour completes.
const HOSTILE: [&str; 3] = [
    "a\n::error::pwn\r::error::pwn\u{1b}[2J\u{9b}2J\u{202e}\u{2028}\u{3164}##[error]pwn:::%0A::warning title=x::##[",
    "::error title=x::pwn:",
    "\n##[group]#",
];

/// Every third of some cases, beginning at another one for each of [`HOSTILE`]; all of them where everything is tried.
fn drawn<T>(cases: impl IntoIterator<Item = T>, hostile: usize) -> impl Iterator<Item = T> {
    sample(cases.into_iter().skip(if is_exhaustive() { 0 } else { hostile }), HOSTILE.len())
}

const FORMATS: [&str; 10] =
    ["text", "summary", "json", "jsonl", "junit", "sarif", "github", "markdown", "outputs", "html"];

/// A line that `--format github` writes of its own.
fn is_ours(line: &str) -> bool {
    let text = ["error", "warning", "notice"]
        .iter()
        .find_map(|command| line.strip_prefix(&format!("::{command} title=")))
        .and_then(|line| line.split_once("::"));
    text.is_some_and(|(title, text)| !title.contains([':', ',']) && is_harmless(text))
}

/// Checks that nothing of a text commands a CI, moves a cursor or hides.
#[track_caller]
pub fn is_quiet_text(text: &str, what: &str) {
    // The page's own script has tabs, the summary a sign of two characters.
    let own = |c: char| matches!(c, '\n' | '\t' | '\u{fe0f}');
    let seen = |c: char| own(c) || (' '..='~').contains(&c) || c.escape_debug().len() == 1;
    let strange: Vec<char> = text.chars().filter(|c| !seen(*c)).collect();
    assert!(strange.is_empty(), "{what}: {strange:?} in {text}");
    for line in text.lines() {
        let commands = line.trim_start().starts_with("::") && !is_ours(line);
        assert!(!commands && !line.contains("##["), "{what}: {line:?} in {text}");
    }
}

#[track_caller]
fn is_quiet(ran: &Ran, what: &str) {
    is_quiet_text(&ran.stdout, what);
    is_quiet_text(&ran.stderr, what);
    assert!(!ran.stderr.contains("::"), "{what}: {}", ran.stderr);
}

fn file_name(hostile: &str) -> String {
    hostile.replace('/', "-")
}

/// A case in which everything that a rollout's evidence can say is hostile. What the policy says is of some severity.
/// Where it is `warn`, and nothing failed but that tenants are not proven, single changes turn the verdict, and are told.
fn evidence(case: &Case, hostile: &str, severity: &str) -> [String; 6] {
    let fails = severity == "deny";
    let name = |file: &str| format!("{}.{file}", file_name(hostile));
    let row = |slug: &str, verified: bool| {
        json!({"slug": slug, "ssm_status": hostile, "ssm_exit_code": u8::from(fails), "healthz_ok": !fails, "phase": hostile,
            "verified_on_target": verified, "running_image": hostile, "error": hostile, hostile: hostile})
    };
    let slug = format!("t{hostile}t");
    let response = json!({"ok": !fails, "error": hostile, "message": hostile, "stragglers": [hostile], hostile: 1,
        "results": [row(&slug, false), row("acme", true), row(&format!("other{hostile}"), true), {"phase": hostile}]});
    case.file(&name("response.json"), response.to_string());
    let labelled =
        json!([{"slug": slug, "labels": {format!("k{hostile}"): hostile}}, {"slug": "acme"}, {"slug": "dune"}]);
    case.file(&name("fleet.json"), labelled.to_string());
    let plan = json!({"enabled": true, "cp_url": "https://cp.example", "target_tag": hostile, "canary_slug": slug,
        "body": {"target_tag": hostile, "dry_run": false, "canary_slug": slug, "max_stragglers": 0}});
    case.file(&name("plan.json"), plan.to_string());
    let waivers = json!({"waiver": [{"code": "coverage.*", "tenants": [slug], "reason": hostile, "owner": hostile,
        "granted": "2026-01-01", "expires": "2026-02-01"}]});
    case.file(&name("waivers.json"), waivers.to_string());
    // YAML has no C1 control as it is.
    let quoted = serde_json::to_string(hostile).expect("text").replace('\u{9b}', "\\u009b");
    let policy = format!(
        "# METADATA\n# title: {quoted}\n# description: {quoted}\n# custom:\n#   remedy: {quoted}\n\
         package team.hostile\n\n# METADATA\n# title: {quoted}\n# custom:\n#   codes: [\"team.hostile\"]\n\
         {severity} contains finding if {{\n\tsome cohort in input.cohorts\n\tfinding := {{\n\t\t\"code\": \"team.hostile\",\n\
         \t\t\"message\": {quoted},\n\t\t\"tenants\": cohort.tenants,\n\t\t\"observed\": {quoted},\n\t\t\"at\": {quoted},\n\t}}\n}}\n"
    );
    case.file(&name("policy.rego"), policy);
    [name("response.json"), name("fleet.json"), name("plan.json"), name("waivers.json"), name("policy.rego"), slug]
}

#[test]
fn evidence_policies_and_their_paths_command_nothing_in_any_format() {
    let is_exhaustive = is_exhaustive();
    // What turns a verdict is told where a single change does. Where none does, all pairs are tried, which takes long.
    let first = if is_exhaustive { "deny" } else { "warn" };
    for (hostile, severity) in [(HOSTILE[0], first), (HOSTILE[1], "warn"), (HOSTILE[2], "warn")] {
        let case = Case::new();
        let [response, fleet, plan, waivers, policy, slug] = evidence(&case, hostile, severity);
        let mut args = ["verify", "--fleet", &fleet, "--waivers", &waivers, "--policy", &policy, "--show-errors"];
        for format in FORMATS {
            // A page tries out changes: it takes longer than all else together.
            if format == "html" && hostile != HOSTILE[0] && !is_exhaustive {
                continue;
            }
            let ran = case.run(args.iter().copied().chain(["--format", format, "--", &response]));
            assert!([1, 4].contains(&ran.code), "{format}: {} {}", ran.code, ran.stderr);
            is_quiet(&ran, format);
        }
        if hostile != HOSTILE[0] && !is_exhaustive {
            continue;
        }
        args[0] = "explain";
        let subjects = [vec![&*slug], vec![], vec!["team.hostile"], vec![hostile]];
        for more in subjects.iter().take(if is_exhaustive { 4 } else { 1 }) {
            let ran = case.run(args.iter().copied().chain(["--", &response]).chain(more.iter().copied()));
            is_quiet(&ran, &format!("explain {more:?}"));
        }
        let ran = case.run(["verify", "--plan", &plan, "--fleet", &fleet, "--", &response]);
        is_quiet(&ran, "with a plan");
        for args in [
            vec!["policy", "check", &*policy],
            vec!["policy", "list", "--policy", &*policy],
            vec!["policy", "show", "--policy", &*policy, "team.hostile"],
            vec!["policy", "show", "--policy", &*policy, "team.hostile", "--format", "json"],
            vec!["policy", "test", "--verbose", "--coverage", &*policy],
            vec!["policy", "eval", "team.hostile", &*response, "--policy", &*policy],
            vec!["policy", "eval", "team.hostile", &*response, "--policy", &*policy, "--format", "json"],
        ] {
            is_quiet(&case.run(&args), &format!("{args:?}"));
        }
    }
}

#[test]
fn what_is_wrong_with_an_input_is_said_on_lines_of_ours() {
    for (i, hostile) in HOSTILE.into_iter().enumerate() {
        let quoted =
            serde_json::to_string(hostile).expect("text").replace('\u{9b}', "\\u009b").replace('\u{2028}', "\\u2028");
        let toml = quoted.replace('\u{7f}', "\\u007f");
        let name = file_name(hostile);
        let case = Case::new();
        case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
        case.file("fleet.txt", "acme\n");
        let configurations = [
            ("config", format!("{toml} = 1\n")),
            ("modes", format!("[policies.{toml}]\nmode = \"off\"\nreason = \"x\"\n")),
            ("mode", format!("[policies.coverage]\nmode = {toml}\n")),
            ("params", format!("[params]\n{toml} = 1\n")),
            ("paths", format!("[policies]\npaths = [{toml}]\n")),
            ("listed", format!("[waivers]\nfiles = [{toml}]\n")),
            ("torn", format!("[policies\n{toml}")),
        ];
        for (file, text) in drawn(configurations, i) {
            let file = format!("{name}.{file}.toml");
            case.file(&file, text);
            let ran = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--config", &file]);
            assert!([2, 5].contains(&ran.code), "{file:?}: {}{}", ran.code, ran.stderr);
            is_quiet(&ran, &file);
        }
        let waiver = |more: &str| format!("[[waiver]]\ncode = \"coverage.*\"\nreason = \"x\"\nowner = \"x\"\n{more}\n");
        let waivers = [
            ("key.toml", waiver(&format!("{toml} = 1"))),
            ("day.toml", waiver(&format!("granted = {toml}"))),
            (
                "code.toml",
                waiver("tenants = [\"acme\"]\ngranted = \"2026-01-01\"\nexpires = \"2026-01-02\"")
                    .replace("\"coverage.*\"", &toml),
            ),
            ("key.json", format!("{{\"waiver\": [{{{quoted}: 1}}]}}")),
        ];
        for (file, text) in drawn(waivers, i) {
            let file = format!("{name}.{file}");
            case.file(&file, text);
            let ran = case.run(["verify", "response.json", "--fleet", "fleet.txt", "--waivers", &file]);
            assert_eq!(ran.code, 2, "{file:?}: {}", ran.stderr);
            is_quiet(&ran, &file);
        }
        let inputs = [
            ("torn.json", format!("{{{quoted}: ")),
            (
                "wrong.json",
                format!("{{\"ok\": {quoted}, \"results\": [{{\"slug\": {quoted}, \"ssm_exit_code\": {quoted}}}]}}"),
            ),
            ("format.json", format!("{{\"format\": {quoted}}}")),
            ("twice.json", format!("{{\"ok\": true, \"results\": [{{{quoted}: 1, {quoted}: 2}}]}}")),
            ("run.journal", format!("{{\"record\": {quoted}}}\n")),
            ("text.json", hostile.to_owned()),
        ];
        for (file, text) in drawn(inputs, i) {
            let file = format!("{name}.{file}");
            case.file(&file, text);
            let all = [
                vec!["verify", "--", &*file],
                vec!["verify", "response.json", "--fleet", &*file],
                vec!["verify", "response.json", "--plan", &*file],
                vec!["run", "--plan", &*file],
                vec!["drill", "serve", &*file],
            ];
            for args in sample(all, 2) {
                let ran = case.run(&args);
                assert_ne!(ran.code, 0, "{args:?}");
                is_quiet(&ran, &format!("{args:?}"));
            }
        }
        let policies = [
            ("torn.rego", format!("package team.x\n\ndeny contains {quoted} if {{ {hostile}\n")),
            ("unsafe.rego", format!("package team.x\n\ndeny contains {quoted} if data.nowhere[{quoted}]\n")),
            (
                "fails.rego",
                format!(
                    "package team.x\n\ndeny contains {quoted} if to_number(concat(\"\", [{quoted}, input.format])) == 1\n"
                ),
            ),
            ("package.rego", format!("package team[{quoted}]\n\ndeny contains \"x\"\n")),
            ("yaml.rego", format!("# METADATA\n# {quoted}: 1\npackage team.x\n\ndeny contains \"x\"\n")),
        ];
        for (file, text) in drawn(policies, i) {
            let file = format!("{name}.{file}");
            case.file(&file, text);
            let all = [
                vec!["policy", "check", &*file],
                vec!["policy", "test", &*file],
                vec!["verify", "response.json", "--fleet", "fleet.txt", "--policy", &*file],
            ];
            for args in sample(all, 2) {
                is_quiet(&case.run(&args), &format!("{args:?}"));
            }
        }
        let test =
            format!("package team.x_test\n\ntest_{{0}} if {{\n\tprint({quoted})\n\tx := {quoted}\n\tx == \"y\"\n}}\n");
        let case = Case::new();
        let file = format!("{name}_test.rego");
        case.file(&file, test.replace("{0}", "x"));
        for format in ["text", "json", "junit"] {
            let ran = case.run(["policy", "test", "--verbose", "--format", format, "--", &*file]);
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            is_quiet(&ran, format);
        }
    }
}

#[test]
fn what_a_command_line_and_its_environment_say_is_quoted_on_lines_of_ours() {
    for (i, hostile) in HOSTILE.into_iter().enumerate() {
        let case = Case::new();
        case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
        let option = format!("--x{hostile}");
        let pair = format!("{hostile}={hostile}");
        let report = format!("json=gone{hostile}/x");
        let unknown_report = format!("{hostile}=x");
        let command_lines = [
            vec![&*option],
            vec![hostile],
            vec!["verify", &*option],
            vec!["verify", "response.json", hostile],
            vec!["verify", "response.json", "--format", hostile],
            vec!["verify", "response.json", "--policy-timeout", hostile],
            vec!["verify", "response.json", "--param", &*pair],
            vec!["verify", "response.json", "--param", hostile],
            vec!["verify", "response.json", "--facts", &*pair],
            vec!["verify", "response.json", "--evidence-field", hostile],
            vec!["verify", "response.json", "--report", &*report],
            vec!["verify", "response.json", "--report", &*unknown_report],
            vec!["verify", "response.json", "--policy", hostile],
            vec!["verify", "response.json", "--config", hostile],
            vec!["verify", "response.json", "--waivers", hostile],
            vec!["verify", "--", hostile],
            vec!["explain", "response.json", hostile],
            vec!["drill", hostile],
            vec!["drill", "serve", hostile],
            vec!["schema", hostile],
            vec!["completions", hostile],
            vec!["audit", hostile],
            vec!["audit", ".", "--tenant", hostile],
            vec!["audit", ".", "--when", hostile],
            vec!["policy", hostile],
            vec!["policy", "check", hostile],
            vec!["policy", "show", hostile],
            vec!["policy", "new", hostile],
            vec!["policy", "test", "--run", hostile],
            vec!["policy", "eval", hostile, "response.json"],
            vec!["policy", "eval", "coverage", "response.json", "--query", hostile],
            vec!["run", "--plan", hostile],
            vec!["plan", "--out", &*report],
            vec!["probe", hostile],
        ];
        for args in drawn(command_lines, i) {
            let ran = case.run(&args);
            is_quiet(&ran, &format!("{args:?}"));
        }
        let variables = [
            "ROLLPROOF_FORMAT",
            "ROLLPROOF_MAX_INPUT_BYTES",
            "GITHUB_SHA",
            "CP_URL",
            "PROD_AUTO_DEPLOY_TARGET_TAG",
            "PROD_AUTO_DEPLOY_DISABLED",
            "PROD_AUTO_DEPLOY_DRY_RUN",
            "PROD_AUTO_DEPLOY_CANARY_SLUG",
            "PROD_AUTO_DEPLOY_BATCH_SIZE",
            "PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS",
            "GITHUB_REF_NAME",
            "GITEA_HOST",
        ];
        let commands = [
            &["verify", "response.json"][..],
            &["verify", "--help"],
            &["plan"],
            &["preflight", "ci"],
            &["preflight", "enabled"],
            &["preflight", "latest"],
        ];
        // Five has no divisor in common with the number of commands: each is given other variables.
        let all = variables.into_iter().flat_map(|variable| commands.map(|args| (variable, args)));
        for (variable, args) in drawn(sample(all, 5), i) {
            let mut command = rollproof();
            command.env("GITHUB_SHA", "0123abc0123abc0123abc0123abc0123abc0123a").env(variable, hostile);
            let ran = run(command.args(args).current_dir(case.path("")));
            is_quiet(&ran, &format!("{variable} {args:?}"));
        }
    }
}
