//! Which rules decided: digests of policies and of everything else that a verdict follows from.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::drive::plane::{Plane, healthy};
use crate::drive::{self, FLEET};
use crate::judged;
use crate::support::{Case, Ran, read, read_json, rollproof, root, run, sample};

const POLICY: &str = "# METADATA
# title: Tiers
# description: Tiers that are wanted.
# custom:
#   facts:
#     tiers:
#       description: the tiers
package team.tiers

import data.team.helpers

deny contains \"nobody\" if {
	helpers.nobody
	count(data.facts.tiers) == 0
}
";

const HELPERS: &str = "package team.helpers\n\nnobody if count(input.cohorts) == 0\n";

const WAIVER: &str = "[[waiver]]
code = \"coverage.*\"
tenants = [\"zebra\"]
reason = \"it is retired\"
owner = \"ops\"
granted = 2026-07-01
expires = 2026-07-09
";

fn sha256(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines<'a>(named: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    named.map(|(name, hash)| format!("{name} {hash}\n")).collect()
}

/// A folder with policies, evidence, facts, waivers and a configuration.
fn team() -> Case {
    let case = Case::new();
    fs::create_dir(case.path("policies")).expect("a folder");
    case.file("policies/tiers.rego", POLICY);
    case.file("policies/helpers.rego", HELPERS);
    fs::create_dir(case.path("policies/limits")).expect("a folder");
    case.file("policies/limits/data.json", "{\"most\": 2}");
    case.file("tiers.json", "[\"gold\"]");
    case.file("waivers.toml", WAIVER);
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    case.file("fleet.json", r#"["acme"]"#);
    case.file("rollproof.toml", "[policies.health]\nmode = \"report\"\nreason = \"new\"\n");
    case
}

const WITH: [&str; 8] =
    ["--policy", "policies", "--facts", "tiers=tiers.json", "--waivers", "waivers.toml", "--param", "max_stragglers=1"];

fn verify(case: &Case, more: &[&str]) -> Ran {
    case.run(["verify", "response.json", "--fleet", "fleet.json"].iter().chain(&WITH).chain(more))
}

fn report(case: &Case, more: &[&str]) -> Value {
    let ran = verify(case, &[more, &["--format", "json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

fn digest(report: &Value) -> String {
    report["basis"]["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn every_report_has_the_hash_of_each_policy_and_of_all_that_decides() {
    for judged in judged::all() {
        for policy in judged.report["policies"].as_array().expect("a list") {
            let package = policy["package"].as_str().expect("a name");
            let leaf = package.rsplit('.').next().expect("a name");
            let folder = if package.starts_with("rollproof.") { "rollproof" } else { "examples" };
            let file = root().join(format!("policies/{folder}/{leaf}/{leaf}.rego"));
            assert_eq!(policy["sha256"], sha256(read(&file)), "{}: {package}", judged.name);
        }
        let basis = &judged.report["basis"];
        let policies = judged.report["policies"].as_array().expect("a list").iter();
        let named = policies
            .map(|policy| (policy["package"].as_str().expect("a name"), policy["sha256"].as_str().expect("a hash")));
        assert_eq!(basis["parts"]["policies"], sha256(lines(named)), "{}", judged.name);
        let parts = basis["parts"].as_object().expect("parts").iter();
        let parts = parts.map(|(name, hash)| (&**name, hash.as_str().expect("a hash")));
        assert_eq!(basis["digest"], sha256(lines(parts)), "{}", judged.name);
        assert_eq!(basis["tool"], format!("rollproof {}", env!("CARGO_PKG_VERSION")));
        for (format, shown) in [("text", 12), ("markdown", 64), ("html", 64)] {
            if !judged.formats().any(|read| read == format) {
                continue;
            }
            let digest = &basis["digest"].as_str().expect("a digest")[..shown];
            assert_eq!(judged.text(format).matches(digest).count(), 1, "{}: {format}", judged.name);
        }
    }
}

#[test]
fn the_engine_is_the_one_that_is_built_in() {
    let engine = judged::one("healthy/plain").report["basis"]["engine"].clone();
    let version = engine.as_str().and_then(|engine| engine.strip_prefix("regorus ")).expect("a version");
    let lock = read(&root().join("Cargo.lock"));
    assert!(lock.contains(&format!("name = \"regorus\"\nversion = \"{version}\"\n")), "{version}");
}

#[test]
fn a_policy_of_several_files_has_one_hash_whatever_they_are_called() {
    let case = team();
    let more = "package team.tiers\n\nwarn contains \"w\" if false\n";
    case.file("policies/more.rego", more);
    let of_tiers = |report: &Value| {
        let policies = report["policies"].as_array().expect("a list");
        policies.iter().find(|policy| policy["package"] == "team.tiers").expect("it is there")["sha256"].clone()
    };
    let mut files = [sha256(POLICY) + "\n", sha256(more) + "\n"];
    files.sort();
    let both = report(&case, &[]);
    assert_eq!(of_tiers(&both), sha256(files.concat()));
    fs::rename(case.path("policies/more.rego"), case.path("policies/a.rego")).expect("it is renamed");
    assert_eq!(digest(&report(&case, &[])), digest(&both));
}

/// A change of anything that decides is another digest, and nothing else is.
#[test]
fn the_digest_tells_what_decides_and_nothing_else() {
    let case = team();
    let first = report(&case, &[]);
    let parts = first["basis"]["parts"].as_object().expect("parts");
    assert_eq!(
        parts.keys().collect::<Vec<_>>(),
        ["data", "facts", "libraries", "modes", "params", "policies", "waivers"]
    );
    let changes: [(&str, &str, String); 6] = [
        ("data", "policies/limits/data.json", "{\"most\": 3}".into()),
        ("policies", "policies/tiers.rego", format!("{POLICY}# one word more\n")),
        ("libraries", "policies/helpers.rego", HELPERS.replace("== 0", "== 1")),
        ("facts", "tiers.json", "[\"free\"]".into()),
        ("waivers", "waivers.toml", WAIVER.replace("2026-07-09", "2026-07-10")),
        ("modes", "rollproof.toml", "[policies.health]\nmode = \"off\"\nreason = \"new\"\n".into()),
    ];
    let mut seen = vec![digest(&first)];
    for (part, file, text) in changes {
        let before = read(&case.path(file));
        case.file(file, text);
        let other = report(&case, &[]);
        for (name, hash) in parts {
            assert_eq!(other["basis"]["parts"][name] != *hash, name == part, "{file}: {name}");
        }
        assert_eq!(other["basis"]["evidence"], first["basis"]["evidence"], "{file}");
        assert!(!seen.contains(&digest(&other)), "{file}");
        seen.push(digest(&other));
        case.file(file, before);
    }
    let other = report(&case, &["--param", "require_proof=true"]);
    assert_ne!(digest(&other), seen[0], "a parameter");

    // By another path, with a default value that is given, and of other evidence.
    fs::rename(case.path("policies"), case.path("elsewhere")).expect("it is moved");
    fs::create_dir(case.path("policies")).expect("a folder");
    fs::rename(case.path("elsewhere/tiers.rego"), case.path("policies/other.rego")).expect("it is moved");
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": false}]}"#);
    let moved = report(&case, &["--policy", "elsewhere", "--param", "require_proof=false"]);
    assert_eq!(digest(&moved), seen[0]);
    assert_ne!(moved["basis"]["evidence"], first["basis"]["evidence"]);
}

#[test]
fn evidence_is_the_same_whether_it_is_a_response_or_the_document_of_it() {
    for judged in sample(judged::all(), 8) {
        let document = Case::new();
        document.file("document.json", judged.document.to_string());
        let ran = document.run(["verify", "document.json", "--format", "json"]);
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        assert_eq!(report["basis"]["evidence"], judged.report["basis"]["evidence"], "{}", judged.name);
    }
}

#[test]
fn the_list_of_policies_and_a_bundle_have_the_digest_of_the_verdict() {
    let case = team();
    let expected = digest(&report(&case, &[]));
    let list = |more: &[&str]| case.run(["policy", "list"].iter().chain(&WITH).chain(more));
    let listed: Value = serde_json::from_str(&list(&["--format", "json"]).stdout).expect("JSON");
    assert_eq!(listed["basis"]["digest"], *expected);
    let validator = jsonschema::validator_for(&read_json(&root().join("schemas/policies.schema.json"))).expect("one");
    assert!(validator.is_valid(&listed));
    let entry = listed["policies"].as_array().expect("a list").iter().find(|entry| entry["name"] == "team.tiers");
    assert_eq!(entry.expect("it is there")["sha256"], sha256(POLICY));
    let text = list(&[]).stdout;
    assert_eq!((text.matches(&*expected).count(), text.matches(&sha256(POLICY)[..12]).count()), (1, 1), "{text}");

    // Without its facts a policy is listed all the same.
    let ran = case.run(["policy", "list", "--policy", "policies"]);
    assert_eq!((ran.code, ran.stdout.matches("not known").count()), (0, 1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("--facts tiers=FILE"), "{}", ran.stdout);

    // A bundle holds neither modes nor waivers, and has its data in one file above all policies.
    case.file("rollproof.toml", "");
    fs::remove_dir_all(case.path("policies/limits")).expect("it is removed");
    let bundled = ["policy", "bundle", "--out", "bundle.tar.gz"].iter().chain(&WITH[..4]);
    assert_eq!(case.run(bundled).code, 0);
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(case.path("bundle.tar.gz")).expect("a bundle")));
    archive.unpack(case.path("unpacked")).expect("it is unpacked");
    let manifest = read_json(&case.path("unpacked/.manifest"));
    let alone = ["verify", "response.json", "--fleet", "fleet.json", "--format", "json", "--facts", "tiers=tiers.json"];
    let of = |policies: &Path| {
        let policies = policies.display().to_string();
        let ran = case.run(alone.iter().chain(&["--policy", &*policies]));
        digest(&serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr)))
    };
    assert_eq!(manifest["metadata"]["policies"], of(Path::new("policies")));
    assert_eq!(of(&case.path("unpacked/policies/team")), of(Path::new("policies")), "from what a bundle holds");
}

#[test]
fn others_than_the_expected_policies_do_not_decide() {
    let case = team();
    let found = digest(&report(&case, &[]));
    assert_eq!(verify(&case, &["--expect-policies", &found]).code, 0);
    assert_eq!(verify(&case, &["--expect-policies", &found.to_uppercase()]).code, 0);
    let other = "0".repeat(64);
    let ran = verify(&case, &["--expect-policies", &other, "--format", "json"]);
    assert_eq!(ran.code, 5);
    for said in [&*found, &other, "--compare", "rollproof policy list"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let error: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("policy"), &json!(5)));
    for wrong in ["", "0123456789ab", &"g".repeat(64)] {
        assert_eq!(verify(&case, &["--expect-policies", wrong]).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_rollout_that_others_would_judge_does_not_begin() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = Case::new();
    case.file("plan.json", drive::plan(&plane.url).to_string());
    let other = "0".repeat(64);
    let ran = run(&mut drive::command(&case, &["--expect-policies", &other]));
    assert_eq!((ran.code, plane.calls().len()), (5, 0), "{}", ran.stderr);
    assert_eq!(read_json(&case.path("response.json"))["ok"], false);
    let ran = run(&mut drive::command(&case, &["--check", "--expect-policies", &other]));
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains(&other), "{}", ran.stderr);
    let listed = run(rollproof().args(["policy", "list", "--format", "json"]).current_dir(case.path("")));
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let expected = digest(&listed);
    let ran = run(&mut drive::command(&case, &["--expect-policies", &expected]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// What `verify --compare` says beside an earlier report: the key of JSON, and the lines of text.
fn compared(case: &Case, earlier: &str, more: &[&str]) -> (Value, String) {
    let more = [&["--compare", earlier], more].concat();
    let found = report(case, &more);
    let validator = jsonschema::validator_for(&read_json(&root().join("schemas/report.schema.json"))).expect("one");
    let errors: Vec<String> = validator.iter_errors(&found).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let text = verify(case, &more).stdout;
    let (_, lines) = text.split_once("\n  compared  ").unwrap_or_else(|| panic!("{text}"));
    (found["compared"].clone(), lines.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn a_comparison_says_what_changed_and_which_findings_came_and_went() {
    let case = team();
    case.file("old.json", verify(&case, &["--format", "json"]).stdout);
    let (found, text) = compared(&case, "old.json", &[]);
    assert_eq!(
        (&found["changed"], &found["unknown"], &found["came"], &found["went"], &found["decision"]),
        (&json!([]), &json!([]), &json!([]), &json!([]), &json!("pass"))
    );
    assert_eq!(found["sha256"], sha256(read(&case.path("old.json"))));
    assert_eq!(
        text,
        "with old.json, whose verdict was PASS changed nothing that the verdict follows from findings the same"
    );

    // Other evidence, another policy, a parameter and waivers.
    let rows = r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": false}]}"#;
    case.file("response.json", rows);
    let (found, text) = compared(&case, "old.json", &[]);
    assert_eq!(found["changed"], json!(["evidence"]));
    let new = found["came"].as_array().expect("a list");
    assert!(new.iter().any(|one| one["tenants"] == json!(["acme"])), "{found:#}");
    assert!(text.contains("changed evidence came "), "{text}");
    case.file("bad.json", verify(&case, &["--format", "jsonl"]).stdout);

    case.file("policies/tiers.rego", format!("{POLICY}\nnote contains \"hello\"\n"));
    case.file("waivers.toml", WAIVER.replace("retired", "gone"));
    fs::write(case.path("policies/more.rego"), "package team.more\n\nwarn contains \"w\"\n").expect("a file");
    let (found, text) = compared(&case, "bad.json", &["--param", "require_proof=true"]);
    assert_eq!(found["changed"], json!(["params", "policies", "waivers"]));
    assert_eq!(
        found["policies"],
        json!([{"package": "team.more", "change": "added"}, {"package": "team.tiers", "change": "changed"}])
    );
    assert_eq!(found["params"], json!([{"name": "require_proof", "was": false, "is": true}]));
    for said in [
        "parameters (require_proof was false and is true); policies (team.more added, team.tiers changed); waivers",
        "came note team.tiers.note: hello",
        "came warn team.more.warn: w",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }

    // Back to the evidence of the pass: what stood against it went.
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    let (found, text) = compared(&case, "bad.json", &[]);
    let went = found["went"].as_array().expect("a list");
    assert!(went.iter().any(|one| one["tenants"] == json!(["acme"])) && text.contains("went "), "{text}");
}

#[test]
fn a_comparison_with_a_report_without_digests_says_what_it_cannot_know() {
    let case = team();
    let mut old: Value = serde_json::from_str(&verify(&case, &["--format", "json"]).stdout).expect("JSON");
    old.as_object_mut().expect("a report").remove("basis");
    for policy in old["policies"].as_array_mut().expect("a list") {
        policy.as_object_mut().expect("a policy").remove("sha256");
    }
    case.file("old.json", old.to_string());
    let (found, text) = compared(&case, "old.json", &["--param", "require_proof=true"]);
    assert_eq!(found["changed"], json!(["params"]));
    let unknown = ["evidence", "policies", "libraries", "modes", "waivers", "facts", "data", "engine", "tool"];
    assert_eq!(found["unknown"], json!(unknown));
    assert!(text.contains("unknown whether these changed, because that report has no digests: evidence,"), "{text}");
}

#[test]
fn what_is_no_report_is_not_compared_with() {
    let case = team();
    let error = case.run(["verify", "response.json", "--policy", "gone", "--format", "json"]).stdout;
    let files = [
        ("error.json", &*error, "it says that there was no verdict"),
        ("list.json", "[]", "found no report"),
        ("text.json", "PASS", "it is no JSON"),
        ("other.json", r#"{"format": "rollproof.document/v1"}"#, "found the format \"rollproof.document/v1\""),
        ("half.json", r#"{"format": "rollproof.report/v1"}"#, "missing field"),
    ];
    for (file, text, words) in files {
        case.file(file, text);
        let ran = verify(&case, &["--compare", file]);
        assert_eq!(ran.code, 2, "{file}: {}", ran.stderr);
        assert!(ran.stderr.contains(words) && ran.stderr.contains(file), "{file}: {}", ran.stderr);
    }
    assert_eq!(verify(&case, &["--compare", "gone.json"]).code, 2);
}
