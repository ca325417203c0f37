//! Policies that are out for harm, or only careless: whatever they do, time and memory are bounded, the process is not
//! aborted, and the exit code is 5 and names the rule. None of them passes.

use std::time::{Duration, Instant};

use crate::support::{Case, Ran, run};

const EVIDENCE: &str = r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#;

/// What comes of a policy, with one second for all policies.
fn verify(policy: &str) -> Ran {
    let case = Case::new();
    case.file("response.json", EVIDENCE);
    case.file("fleet.txt", "acme\n");
    case.file("hostile.rego", policy);
    judge(&case)
}

/// The same for the evidence of a case. Whatever a policy asks for, 8 GiB of addresses are enough: a stack of one for
/// each time that it is asked, until the rule to blame is found, and what the policies' own limit lets them have.
fn judge(case: &Case) -> Ran {
    let args = "verify response.json --fleet fleet.txt --policy hostile.rego --policy-timeout 1";
    let begin = Instant::now();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 8388608 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rollproof")]);
    let ran = run(command.args(args.split(' ')).current_dir(case.path("")));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}: {}", begin.elapsed(), ran.stderr);
    ran
}

fn body(body: &str) -> String {
    format!("package team.hostile\n\ndeny contains \"x\" if {{\n{body}\n}}\n")
}

#[track_caller]
fn fails(policy: &str, because: &str) {
    failed(&verify(policy), because);
}

#[track_caller]
fn failed(ran: &Ran, because: &str) {
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(because), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_product_of_the_fleet_with_itself_runs_out_of_time() {
    let many = "\tmany := numbers.range(1, 100000)\n\tcount([1 | some a in many; some b in many; a == b]) > 0";
    fails(&body(many), "team.hostile.deny: the policies need more than 1 s");
}

/// Tenants that are a cohort each, so that nothing is saved.
#[test]
fn the_fleet_with_itself_runs_out_of_time() {
    let case = Case::new();
    let row = |i| format!(r#"{{"slug": "t{i}", "verified_on_target": true, "error": "e{i}"}}"#);
    let rows: Vec<String> = (0..5_000).map(row).collect();
    case.file("response.json", format!(r#"{{"ok": true, "results": [{}]}}"#, rows.join(",")));
    case.file("fleet.txt", (0..5_000).map(|i| format!("t{i}\n")).collect::<String>());
    let all = "input.cohorts[_].tenants[_]";
    case.file(
        "hostile.rego",
        body(&format!("\tcount({{[a, b] | some a in [t | t := {all}]; some b in [t | t := {all}]; a != b}}) > 0")),
    );
    failed(&judge(&case), "team.hostile.deny: the policies need more than");
}

#[test]
fn a_long_range_runs_out_of_time_or_memory() {
    fails(&body("\tcount(numbers.range(1, 1000000000)) > 0"), "team.hostile.deny: the policies need more than");
}

#[test]
fn a_string_that_doubles_runs_out_of_memory() {
    let mut doubling = String::from("\tx0 := \"0123456789abcdef\"\n");
    for i in 1..32 {
        doubling.push_str(&format!("\tx{i} := concat(\"\", [x{0}, x{0}])\n", i - 1));
    }
    fails(&body(&format!("{doubling}\tcount(x31) > 0")), "team.hostile.deny: the policies need more than");
}

#[test]
fn replacing_makes_no_gigabytes() {
    let mut growing = String::from("\tx0 := \"aaaaaaaaaaaaaaaa\"\n");
    for i in 1..9 {
        growing.push_str(&format!("\tx{i} := replace(x{}, \"a\", \"aaaaaaaaaaaaaaaa\")\n", i - 1));
    }
    fails(&body(&format!("{growing}\tcount(x8) > 0")), "team.hostile.deny: the policies need more than");
}

/// A width of nine digits is an error in the text, as OPA writes it; many widths of a million reach the limit of memory.
#[test]
fn a_width_makes_no_gigabytes() {
    let written = "\tsprintf(\"%999999999d\", [1]) == \"%!(NOVERB)%!(EXTRA int64=1)\"";
    let computed =
        "\tformat := concat(\"\", [\"%9999\", \"99999d\"])\n\tsprintf(format, [1]) == \"%!(NOVERB)%!(EXTRA int64=1)\"";
    for policy in [written, computed] {
        let ran = verify(&body(policy));
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    }
    let many = "\tcount({sprintf(\"%999999d\", [n]) | some n in numbers.range(1, 100000)}) > 0";
    fails(&body(many), "team.hostile.deny: the policies need more than");
}

#[test]
fn a_number_that_is_squared_again_and_again_runs_out_of_time() {
    let mut squares = String::from("\tx0 := 1234567890123\n");
    for i in 1..32 {
        squares.push_str(&format!("\tx{i} := x{0} * x{0}\n", i - 1));
    }
    fails(&body(&format!("{squares}\tx31 > 0")), "team.hostile.deny: the policies need more than");
    fails(&body("\tunits.parse(\"1e999999999\") > 0"), "team.hostile.deny: ");
    fails(&body("\tto_number(\"1e999999999\") > 0"), "team.hostile.deny: ");
}

/// A megabyte of one letter, and what can be made of it.
#[test]
fn a_text_that_nests_as_deep_as_it_is_long_is_an_error() {
    let mut long = String::from("\tx0 := \"aaaaaaaaaaaaaaaa\"\n");
    for i in 1..9 {
        long.push_str(&format!("\tx{i} := concat(\"\", [x{0}, x{0}, x{0}, x{0}])\n", i - 1));
    }
    for (makes, because) in [
        ("json.unmarshal(replace(x8, \"a\", \"[\")) != 1", "team.hostile.deny: could not deserialize json"),
        (
            "regex.match(concat(\"\", [replace(x8, \"a\", \"(\"), replace(x8, \"a\", \")\")]), \"a\")",
            "team.hostile.deny: ",
        ),
        ("glob.match(replace(x8, \"a\", \"{\"), [], \"a\")", "team.hostile.deny: invalid glob"),
        ("glob.match(concat(\"\", [replace(x5, \"a\", \"*a\"), \"b\"]), [], x8)", "team.hostile.deny: "),
        ("count(replace(x8, \"\", x8)) > 0", "team.hostile.deny: the policies need more than"),
    ] {
        fails(&body(&format!("{long}\t{makes}")), because);
    }
}

#[test]
fn a_pattern_that_explodes_is_refused_by_the_engine() {
    let bomb = "\tregex.match(\"((a{1,1000}){1,1000}){1,1000}\", \"aaaa\")";
    fails(&body(bomb), "team.hostile.deny: ");
}

#[test]
fn shifts_make_no_numbers_of_any_size() {
    fails(&body("\tbits.lsh(1, 1000000000) > 0"), "bits.lsh is a function of OPA's that a policy cannot call here");
}

#[test]
fn recursion_is_refused() {
    fails(
        "package team.hostile\n\nf(n) := x if x := f(n + 1)\n\ndeny contains \"x\" if f(1) == 1\n",
        "team.hostile.f uses itself",
    );
}

#[test]
fn a_chain_of_thousands_of_functions_is_refused() {
    let mut chain = String::from("package team.hostile\n\ndeny contains \"x\" if f0(1) == 1\n\nf3000(n) := n\n");
    for i in 0..3000 {
        chain.push_str(&format!("\nf{i}(n) := x if x := f{}(n)\n", i + 1));
    }
    fails(&chain, "uses a chain of more than 64 rules");
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    let deep = format!("\t{}{} != 1", "[".repeat(400), "]".repeat(400));
    fails(&body(&deep), "brackets are nested more than 12 deep");
    let operators = format!("\t1{} > 0", "\n\t+ 1".repeat(15_000));
    fails(&body(&operators), "nested more than 128 deep");
    let negations = format!("\t{}1 < 0", "- ".repeat(400));
    fails(&body(&negations), "nested");
}

#[test]
fn a_huge_file_is_refused_before_it_is_read_by_the_engine() {
    fails(&body(&format!("\t\"{}\" != \"\"", "x".repeat(2 << 20))), "the file is larger than 1024 KiB");
    fails(&body(&format!("\t\"{}\" != \"\"", "x".repeat(100 << 20))), "larger than the limit of 16777216 bytes");
}

#[test]
fn two_values_at_once_name_the_rule_and_the_line() {
    let conflict = "package team.hostile\n\nx := 1 if count(input.cohorts) > 0\n\nx := 2 if count(input.cohorts) > 0\n\n\
        deny contains \"x\" if x == 1\n";
    fails(conflict, "hostile.rego:");
    fails(conflict, "team.hostile.deny: ");
}

/// A rule that is slow, and within the limit, is not to blame for what another one does wrong.
#[test]
fn a_slow_rule_is_not_blamed_for_another() {
    let case = Case::new();
    case.file("response.json", EVIDENCE);
    case.file("fleet.txt", "acme\n");
    let slow = "\tmany := numbers.range(1, 2500)\n\tcount([1 | some a in many; some b in many; a == b]) == 0";
    case.file("a.rego", body(slow).replace("hostile", "a"));
    let wrong = body("\tsome c in input.cohorts\n\tsome t in c.tenants\n\tto_number(t) > 0");
    case.file("b.rego", wrong.replace("hostile", "b"));
    let policies = ["--policy", "a.rego", "--policy", "b.rego", "--policy-timeout", "300"];
    let ran = case.run(["verify", "response.json", "--fleet", "fleet.txt"].iter().chain(&policies));
    failed(&ran, "team.b.deny: ");
}

/// Not a policy that has nothing to say, which is evaluated after them.
#[test]
fn where_only_all_together_are_slow_no_bundled_rule_is_blamed() {
    let case = Case::new();
    case.file("response.json", EVIDENCE);
    case.file("fleet.txt", "acme\n");
    let slow = "\tmany := numbers.range(1, 500)\n\tcount([1 | some a in many; some b in many; a == b]) == 0";
    let mut args = vec!["verify", "response.json", "--fleet", "fleet.txt", "--policy-timeout", "1"];
    let names: Vec<String> = (0..20).map(|i| format!("p{i}")).collect();
    let files: Vec<String> = names.iter().map(|name| format!("{name}.rego")).collect();
    for (name, file) in names.iter().zip(&files) {
        case.file(file, body(slow).replace("hostile", name));
        args.extend(["--policy", file]);
    }
    let ran = case.run(args);
    failed(&ran, "the policies need more than 1 s");
    // On a machine that is busy one of them may be too slow alone.
    assert!(ran.stderr.contains("team.p") && !ran.stderr.contains("rollproof/"), "{}", ran.stderr);
}

#[test]
fn a_wrong_value_is_an_error_and_no_silence() {
    let unknown = "package team.hostile\n\ndeny contains to_number(tag) if some tag in {t | some c in input.cohorts; some t in c.tenants}\n";
    fails(unknown, "hostile.rego:3:15: deny says a number, which is no finding");
    fails(&body("\tsome c in input.cohorts\n\tsome t in c.tenants\n\tto_number(t) > 0"), "team.hostile.deny: ");
}

#[test]
fn a_finding_with_a_computed_key_is_refused_when_it_is_said() {
    let computed = "package team.hostile\n\ndeny contains finding if {\n\tsome key in [concat(\"\", [\"me\", \"sage\"]), concat(\"\", [\"cod\"])]\n\t\
        finding := {key: \"x\"}\n}\n";
    fails(computed, "hostile.rego:3: team.hostile.deny: ");
}

#[test]
fn what_policies_print_is_not_shown() {
    let ran = verify(&body("\tprint(\"::error::forged\")\n\tinput.rollout.dry_run"));
    assert!(!ran.stderr.contains("forged") && !ran.stdout.contains("forged"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn evidence_that_lacks_what_a_policy_needs_is_no_pass() {
    let needs = |need: &str| {
        format!("# METADATA\n# title: Needs\n# custom:\n#   needs: [{need}]\n{}", body("\tinput.rollout.dry_run"))
    };
    fails(
        &needs("labels.tier"),
        "hostile.rego:5: the policy team.hostile needs labels.tier, and the evidence does not have it",
    );
    fails(&needs("rollout.started_at"), "needs rollout.started_at");
    fails(&needs("calls.attempts"), "needs calls.attempts");
    let facts = "# METADATA\n# title: Facts\n# custom:\n#   facts:\n#     freeze: {description: Windows.}\n";
    fails(&format!("{facts}{}", body("\tdata.facts.freeze.on")), "needs the fact \"freeze\", which was not given");
    for there in ["rollout.dry_run", "cohorts.rows.verified_on_target", "cohorts.tenants", "provenance.inputs.sha256"] {
        assert_eq!(verify(&needs(there)).code, 0, "{there}");
    }
}

/// A policy thread reserves 1 GiB of addresses for its stack, and less where the system refuses that.
#[test]
fn a_machine_that_refuses_a_thread_is_at_fault_and_no_policy() {
    let case = Case::new();
    case.file("response.json", EVIDENCE);
    let limited = |kilobytes: u32| {
        let mut command = std::process::Command::new("sh");
        let limit = format!("ulimit -v {kilobytes} && exec \"$0\" \"$@\"");
        command.args(["-c", &limit, env!("CARGO_BIN_EXE_rollproof"), "verify", "response.json", "--format", "json"]);
        run(command.current_dir(case.path("")))
    };
    let small = limited(1_000_000);
    assert_eq!(small.code, 3, "a smaller stack is enough: {}{}", small.stdout, small.stderr);
    let ran = limited(150_000);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(error["kind"], "internal", "{error}");
    assert!(ran.stderr.contains("cannot start the policy thread"), "{}", ran.stderr);
    assert!(ran.stderr.contains("may address 146 MiB (ulimit -v)"), "{}", ran.stderr);
    assert!(ran.stderr.contains("the machine is at fault"), "{}", ran.stderr);
}

/// As OPA prints it, and never a part of an answer.
#[test]
fn what_a_policy_prints_is_shown_on_standard_error_where_it_is_asked_for() {
    let case = Case::new();
    let printing = r#"package team.prints

deny contains "spoke" if {
	print("before", input.rollout.canary, input.gates.unread)
	print([1, "a"], {"b": null}, {"s"}, 1.5)
	print("::error::forged\u001b[31m\nnext")
	print()
	some c in input.cohorts
	print(c.tenants[0], c.labels.tier)
	c.planned
}
"#;
    let printing = printing.replace("input.gates.unread", "input.gates");
    case.file("prints.rego", &printing);
    case.file("prints_test.rego", "package team.prints_test\n\nimport data.team.prints\n\ntest_it if {\n\tprint(\"in a test\")\n\t\"spoke\" in prints.deny with input as {\"cohorts\": [{\"planned\": true, \"tenants\": [\"zebra\"], \"rows\": []}]}\n}\n");
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    case.file("fleet.json", r#"["acme"]"#);
    let printed = [
        "print: prints.rego:4: before <undefined> <undefined>",
        "print: prints.rego:5: [1, \"a\"] {\"b\": null} {\"s\"} 1.5",
        "print: prints.rego:6: \\u{3a}:error\\u{3a}:forged\\u{1b}[31m",
        "next",
        "print: prints.rego:7:",
        "print: prints.rego:9: acme <undefined>",
    ];
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let evidence = ["response.json", "--fleet", "fleet.json", "--policy", "prints.rego"];
    let quiet = case.run(["verify"].iter().chain(&evidence));
    assert_eq!((quiet.code, &*quiet.stderr), (1, ""));
    let ran = case.run(["verify", "-v"].iter().chain(&evidence));
    assert_eq!((ran.code, &ran.stdout), (1, &quiet.stdout), "{}", ran.stderr);
    assert_eq!(lines(&ran.stderr), printed);
    assert!(ran.stderr.lines().all(|line| !line.starts_with("::") && !line.contains('\u{1b}')), "{}", ran.stderr);
    // A page tries many changes; what policies print then is not shown.
    let ran = case.run(["verify", "-v", "--report", "html=page.html"].iter().chain(&evidence));
    assert_eq!(lines(&ran.stderr), printed);

    let eval = |more: &[&str]| case.run(["policy", "eval", "team.prints"].iter().chain(&evidence).chain(more));
    let ran = eval(&[]);
    assert_eq!((ran.code, lines(&ran.stderr)), (0, printed.map(str::to_owned).to_vec()));
    let ran = eval(&["--query", "print(\"asked\", count(input.cohorts))"]);
    assert_eq!((ran.code, ran.stderr.ends_with("asked 1\n")), (0, true), "{}", ran.stderr);

    let ran = case.run(["policy", "test", "prints_test.rego"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(lines(&ran.stderr).contains(&"print: prints_test.rego:6: in a test".to_owned()), "{}", ran.stderr);
    assert!(ran.stderr.contains("zebra <undefined>"), "{}", ran.stderr);

    // Where it fails, what was printed before says how far it came.
    case.file("prints.rego", printing.replace("c.planned", "to_number(\"x\") == 1"));
    let ran = case.run(["verify", "-v"].iter().chain(&evidence));
    assert_eq!((ran.code, ran.stderr.matches("acme <undefined>").count()), (5, 1), "{}", ran.stderr);
}
