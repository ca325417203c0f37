//! `rollproof plan`: every row of the table in contract section 2, its defaults and its refusals.

use serde_json::{Value, json};

use crate::support::{Case, Ran, rollproof, run};

const SHA: &str = "abcdef1234567890abcdef1234567890abcdef12";

/// The plan in an environment; commit and control plane are set.
fn plan_in(case: &Case, variables: &[(&str, &str)]) -> Ran {
    let mut command = rollproof();
    command.arg("plan").current_dir(case.path("")).env("GITHUB_SHA", SHA).env("CP_URL", "https://cp.example");
    run(command.envs(variables.iter().copied()))
}

fn plan(variables: &[(&str, &str)]) -> Value {
    let ran = plan_in(&Case::new(), variables);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{variables:?}");
    serde_json::from_str(&ran.stdout).expect("a plan")
}

/// What refuses it says; nothing is written.
fn refusal(variables: &[(&str, &str)]) -> String {
    let ran = plan_in(&Case::new(), variables);
    assert_eq!((ran.code, &*ran.stdout), (2, ""), "{variables:?}: {}", ran.stderr);
    ran.stderr
}

#[test]
fn defaults_are_those_of_the_contract_and_keys_are_sorted() {
    let ran = plan_in(&Case::new(), &[]);
    let expected = json!({
        "body": {"batch_size": 3, "confirm": true, "dry_run": false, "max_stragglers": 0, "soak_seconds": 60,
                 "target_tag": "staging-abcdef1"},
        "cp_url": "https://cp.example", "enabled": true, "rollout_http_timeout": 600, "sha": SHA,
        "short_sha": "abcdef1", "target_tag": "staging-abcdef1",
    });
    assert_eq!(ran.stdout, format!("{expected:#}\n"), "the very bytes: keys are sorted");
}

#[test]
fn each_variable_is_read_and_trimmed() {
    for (name, value, at, expected) in [
        ("PROD_AUTO_DEPLOY_TARGET_TAG", " v1.2 ", "/body/target_tag", json!("v1.2")),
        ("PROD_AUTO_DEPLOY_TARGET_TAG", " v1.2 ", "/target_tag", json!("v1.2")),
        ("PROD_AUTO_DEPLOY_TARGET_TAG", "  ", "/target_tag", json!("staging-abcdef1")),
        ("PROD_AUTO_DEPLOY_CANARY_SLUG", " acme ", "/body/canary_slug", json!("acme")),
        ("PROD_AUTO_DEPLOY_SOAK_SECONDS", " 0 ", "/body/soak_seconds", json!(0)),
        ("PROD_AUTO_DEPLOY_BATCH_SIZE", "1", "/body/batch_size", json!(1)),
        ("PROD_AUTO_DEPLOY_BATCH_SIZE", " ", "/body/batch_size", json!(3)),
        ("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", "2", "/body/max_stragglers", json!(2)),
        ("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", " ", "/body/max_stragglers", json!(0)),
        ("PROD_AUTO_DEPLOY_ROLLOUT_HTTP_TIMEOUT_SECONDS", "120", "/rollout_http_timeout", json!(120)),
        ("PROD_AUTO_DEPLOY_DRY_RUN", " On ", "/body/dry_run", json!(true)),
        ("PROD_AUTO_DEPLOY_DRY_RUN", "0", "/body/dry_run", json!(false)),
        ("GITHUB_SHA", " 0123456789ABCDEF0123456789abcdef01234567\n", "/short_sha", json!("0123456")),
        ("CP_URL", " http://127.0.0.1:8080/ ", "/cp_url", json!("http://127.0.0.1:8080")),
        ("PROD_AUTO_DEPLOY_DISABLED", "false", "/enabled", json!(true)),
        ("PROD_AUTO_DEPLOY_DISABLED", " ", "/enabled", json!(true)),
    ] {
        assert_eq!(plan(&[(name, value)]).pointer(at), Some(&expected), "{name}={value:?}");
    }
}

#[test]
fn a_bad_integer_names_the_variable_what_it_got_and_the_minimum() {
    for (name, minimum) in [
        ("PROD_AUTO_DEPLOY_SOAK_SECONDS", 0),
        ("PROD_AUTO_DEPLOY_BATCH_SIZE", 1),
        ("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", 0),
        ("PROD_AUTO_DEPLOY_ROLLOUT_HTTP_TIMEOUT_SECONDS", 120),
    ] {
        let below = (minimum - 1).to_string();
        for value in [&*below, "many", "1.5", "99999999999999999999"] {
            let said = refusal(&[(name, value)]);
            for part in [name, value, &format!("at least {minimum}")] {
                assert!(said.contains(part), "{name}={value}: {part} is not in {said}");
            }
        }
        assert_eq!(plan(&[(name, &minimum.to_string())])["enabled"], true, "{name}: the minimum itself is allowed");
    }
}

#[test]
fn a_disabled_plan_is_written_before_anything_else_is_looked_at() {
    for word in ["1", "true", "yes", "on", "disabled", "disable", " TRUE ", "Disabled\n"] {
        let case = Case::new();
        let ran = run(rollproof()
            .args(["plan", "--out", "plan.json"])
            .current_dir(case.path(""))
            .env("GITHUB_SHA", SHA)
            .env("PROD_AUTO_DEPLOY_DISABLED", word)
            .env("PROD_AUTO_DEPLOY_BATCH_SIZE", "nonsense"));
        assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "", ""), "{word:?}");
        let reason = format!("PROD_AUTO_DEPLOY_DISABLED={}", word.trim());
        let expected = json!({"disabled_reason": reason, "enabled": false, "sha": SHA});
        let written = std::fs::read_to_string(case.path("plan.json")).expect("a plan");
        assert_eq!(written, format!("{expected:#}\n"));
        // No credential is looked at by `run` either.
        let ran = case.run(["run", "--plan", "plan.json", "--response", "r.json", "--document", "d.json"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stdout.contains(&reason), "{}", ran.stdout);
    }
}

#[test]
fn a_word_that_is_none_is_refused_with_both_lists() {
    let on = |name: &str| {
        if name.ends_with("DISABLED") { "1, true, yes, on, disabled, disable" } else { "1, true, yes, on" }
    };
    for name in ["PROD_AUTO_DEPLOY_DISABLED", "PROD_AUTO_DEPLOY_DRY_RUN", "PROD_ALLOW_NON_PROD_CP_URL"] {
        for word in ["y", "dry", "enabled", "\"true\"", "stop", "disabled: incident 42", "2", "truee", "none", "t"] {
            let said = refusal(&[(name, word)]);
            for part in [
                &format!("{name}: got {word:?}"),
                &format!("for on: {};", on(name)),
                "for off: 0, false, no, off, or nothing",
            ] {
                assert!(said.contains(part), "{name}={word}: {part} is not in {said}");
            }
        }
        for word in ["", " ", "0", "False", " no\t", "OFF"] {
            assert_eq!(plan(&[(name, word)])["enabled"], true, "{name}={word:?}");
            assert_eq!(plan(&[(name, word)])["body"]["dry_run"], false, "{name}={word:?}");
        }
    }
}

#[test]
fn a_variable_whose_name_is_misspelt_is_refused_and_its_value_is_not_shown() {
    for (name, meant) in [
        ("PROD_AUTO_DEPLOY_DRYRUN", "PROD_AUTO_DEPLOY_DRY_RUN"),
        ("PROD_AUTO_DEPLOY_MAX_STAGGLERS", "PROD_AUTO_DEPLOY_MAX_STRAGGLERS"),
        ("prod_auto_deploy_disabled", "PROD_AUTO_DEPLOY_DISABLED"),
        ("PROD_AUTO_DEPLOY_DISABLED ", "PROD_AUTO_DEPLOY_DISABLED"),
        ("PROD_AUTODEPLOY_DIASBLED", "PROD_AUTO_DEPLOY_DISABLED"),
        ("PRD_AUTO_DEPLOY_BATCH_SIZE", "PROD_AUTO_DEPLOY_BATCH_SIZE"),
        ("PROD-AUTO-DEPLOY-BATCH-SIZE", "PROD_AUTO_DEPLOY_BATCH_SIZE"),
        ("PROD_ALLOW_NON_PROD_CPURL", "PROD_ALLOW_NON_PROD_CP_URL"),
        ("CP_ADMIN_API_TOKN", "CP_ADMIN_API_TOKEN"),
        ("CI_STATUS_TIMEOUT_SECOND", "CI_STATUS_TIMEOUT_SECONDS"),
        ("GITEA_TOKENS", "GITEA_TOKEN"),
        ("ROLLPROOF_FORMATT", "ROLLPROOF_FORMAT"),
        ("cp_url", "CP_URL"),
    ] {
        let said = refusal(&[(name, "s3cret-v4lue")]);
        assert!(said.contains(&format!("{name:?} is set, which nobody reads: did you mean {meant}?")), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    for (name, value) in [
        ("PROD_AUTO_DEPLOY_ENABLED", "true"),
        ("PROD_AUTO_DEPLOY_NOTES", "x"),
        ("GITHUB_REPOSITORY_ID", "7"),
        ("GITHUB_REF_TYPE", "branch"),
        ("GITEA_ACTIONS", "true"),
        ("CP_URLS", "x"),
        ("ROLLPROOF_BINARY", "/usr/bin/rollproof"),
    ] {
        assert_eq!(plan(&[(name, value)])["enabled"], true, "{name} is another name");
    }
    // Another rollout's variables stand beside this one's.
    let both = [("PROD_AUTO_DEPLOY_BATCH_SIZE", "7"), ("PROD2_AUTO_DEPLOY_BATCH_SIZE", "9")];
    assert_eq!(plan(&both)["body"]["batch_size"], 7);
}

#[test]
fn every_variable_that_is_wrong_is_told_at_once() {
    let wrong = [
        ("GITHUB_SHA", "main"),
        ("CP_URL", "cp.example"),
        ("PROD_ALLOW_NON_PROD_CP_URL", "jo"),
        ("PROD_AUTO_DEPLOY_DISABLED", "stop"),
        ("PROD_AUTO_DEPLOY_DRY_RUN", "y"),
        ("PROD_AUTO_DEPLOY_BATCH_SIZE", "0"),
        ("PROD_AUTO_DEPLOY_SOAK_SECONDS", "-1"),
        ("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", "some"),
        ("PROD_AUTO_DEPLOY_ROLLOUT_HTTP_TIMEOUT_SECONDS", "1"),
        ("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", ","),
        ("PROD_AUTO_DEPLOY_TARGETTAG", "v1"),
    ];
    let said = refusal(&wrong);
    for (name, _) in wrong {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    // An armed switch comes first, whatever else is wrong.
    let mut armed = wrong;
    (armed[0].1, armed[3].1) = (SHA, "true");
    assert_eq!(plan(&armed)["enabled"], false);
}

#[test]
fn a_dry_run_that_is_disabled_reads_as_a_mistake() {
    for word in ["disabled", "Disable"] {
        let said = refusal(&[("PROD_AUTO_DEPLOY_DRY_RUN", word)]);
        assert!(said.contains("PROD_AUTO_DEPLOY_DRY_RUN") && said.contains(word), "{said}");
    }
}

#[test]
fn the_canary_is_the_operators_unless_it_is_set_and_one_that_is_set_but_empty_is_none() {
    let case = Case::new();
    case.file("rollproof.toml", "[plan]\ncanary = \"acme\"\n");
    for (variables, expected) in [
        (vec![], json!("acme")),
        (vec![("PROD_AUTO_DEPLOY_CANARY_SLUG", "bolt")], json!("bolt")),
        (vec![("PROD_AUTO_DEPLOY_CANARY_SLUG", "")], Value::Null),
        (vec![("PROD_AUTO_DEPLOY_CANARY_SLUG", "  ")], Value::Null),
    ] {
        let ran = plan_in(&case, &variables);
        let plan: Value = serde_json::from_str(&ran.stdout).expect("a plan");
        assert_eq!(plan["body"]["canary_slug"], expected, "{variables:?}");
    }
}

#[test]
fn another_control_plane_needs_an_opt_in() {
    let case = Case::new();
    case.file("rollproof.toml", "[plan]\ncontrol_plane = \"https://cp.example/\"\n");
    let url = |variables: &[(&str, &str)]| {
        let ran = plan_in(&case, variables);
        serde_json::from_str::<Value>(&ran.stdout)
            .map_err(|_| (ran.code, ran.stderr))
            .map(|plan| plan["cp_url"].clone())
    };
    assert_eq!(url(&[]), Ok(json!("https://cp.example")));
    assert_eq!(url(&[("CP_URL", "")]), Ok(json!("https://cp.example")), "the configured one");
    assert_eq!(url(&[("CP_URL", "https://CP.example:443")]), Ok(json!("https://CP.example:443")), "the same one");
    for other in ["https://cp.example.evil", "https://cp.example:8443", "https://cp.example/other", "http://127.0.0.1"]
    {
        let (code, said) = url(&[("CP_URL", other)]).expect_err("it is refused");
        assert_eq!(code, 2);
        for part in ["CP_URL", other, "https://cp.example/", "PROD_ALLOW_NON_PROD_CP_URL"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert_eq!(url(&[("CP_URL", other), ("PROD_ALLOW_NON_PROD_CP_URL", "no")]).expect_err("no").0, 2);
        assert_eq!(url(&[("CP_URL", other), ("PROD_ALLOW_NON_PROD_CP_URL", "yes")]), Ok(json!(other)));
    }
}

#[test]
fn a_control_plane_that_would_get_the_token_in_the_clear_is_refused() {
    for url in ["http://cp.example", "ftp://cp.example", "cp.example", "https://a:b@cp.example", "https://cp.example?a"]
    {
        let said = refusal(&[("CP_URL", url), ("PROD_ALLOW_NON_PROD_CP_URL", "true")]);
        assert!(said.contains("CP_URL"), "{url}: {said}");
    }
    for url in ["http://localhost:1", "http://[::1]:1", "http://127.0.0.2:1"] {
        assert_eq!(plan(&[("CP_URL", url)])["cp_url"], url);
    }
    let said = refusal(&[("CP_URL", "")]);
    assert!(said.contains("no control plane is named: CP_URL is not set"), "{said}");
}

#[test]
fn a_commit_is_required() {
    for sha in ["", "  ", "main", "abc", "abcdef123456789z"] {
        let said = refusal(&[("GITHUB_SHA", sha)]);
        assert!(said.contains("GITHUB_SHA"), "{sha:?}: {said}");
    }
}

/// In real life `","` as the list of required contexts passed with nothing checked (contract section 6).
#[test]
fn a_list_of_contexts_that_names_nothing_is_refused() {
    for list in [",", " , ,\n,", "\n,\n"] {
        let said = refusal(&[("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list)]);
        // A list of white space alone is a blank variable, which says nothing.
        assert!(said.contains("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS"), "{list:?}: {said}");
    }
    for list in ["", "  \n ", "a, b\nc,"] {
        assert_eq!(plan(&[("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list)])["enabled"], true, "{list:?}");
    }
}

#[test]
fn the_prefix_is_the_operators() {
    let case = Case::new();
    case.file("rollproof.toml", "[plan]\nprefix = \"SHOP_\"\n");
    let ran = plan_in(&case, &[("SHOP_BATCH_SIZE", "7"), ("PROD_AUTO_DEPLOY_BATCH_SIZE", "9")]);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("a plan");
    assert_eq!(plan["body"]["batch_size"], 7);
    let ran = plan_in(&case, &[("SHOP_DISABLED", "1")]);
    assert!(ran.stdout.contains("SHOP_DISABLED=1"), "{}", ran.stdout);
    for (text, expected) in [("prefix = \"A-\"", "prefix"), ("canarry = \"a\"", "did you mean \"canary\"?")] {
        case.file("rollproof.toml", format!("[plan]\n{text}\n"));
        let ran = plan_in(&case, &[]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(expected), "{text}: {}", ran.stderr);
    }
}

#[test]
fn the_token_is_neither_read_nor_needed() {
    let with = plan_in(&Case::new(), &[("CP_ADMIN_API_TOKEN", "s3cret-t0ken")]);
    let without = plan_in(&Case::new(), &[]);
    assert_eq!((with.code, &with.stdout), (0, &without.stdout));
}

#[test]
fn a_plan_that_cannot_be_written_is_said() {
    let ran = run(rollproof()
        .args(["plan", "--out", "gone/plan.json"])
        .current_dir(Case::new().path(""))
        .env("GITHUB_SHA", SHA)
        .env("CP_URL", "https://cp.example"));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}
