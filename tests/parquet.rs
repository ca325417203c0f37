//! `audit --parquet`: rows that another reader of Parquet finds, in a folder that was nobody's before.

#[expect(dead_code, reason = "much of it is for others")]
#[path = "integration/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use crate::support::{Case, Ran};

/// When, tenants with what their row says, and the fleet if it was kept.
type Archive<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

/// A folder of archives.
fn archives(rollouts: &[Archive<'_>]) -> Case {
    let case = Case::new();
    std::fs::create_dir(case.path("archives")).expect("a folder");
    for (when, rows, fleet) in rollouts {
        let rows: Vec<String> = rows.iter().map(|(slug, rest)| format!(r#"{{"slug": "{slug}", {rest}}}"#)).collect();
        case.file(
            &format!("archives/{when}.response.json"),
            format!(r#"{{"ok": true, "results": [{}]}}"#, rows.join(", ")),
        );
        if let Some(fleet) = fleet {
            case.file(&format!("archives/{when}.fleet.json"), fleet);
        }
    }
    case
}

fn audit(case: &Case, out: &str) -> Ran {
    case.run(["audit", "archives", "--until", "2026-08-01", "--parquet", out])
}

const PROVEN: &str = r#""ssm_status": "Success", "verified_on_target": true"#;
const STALE: &str = r#""ssm_status": "Success", "verified_on_target": false"#;

/// Three days: `dune` is stale on the first, skipped without a word on the second, where nobody kept the fleet, and
/// well on the third.
fn incident() -> Case {
    let fleet = Some(r#"["acme", "bolt", "dune"]"#);
    archives(&[
        ("2026-07-01T10-00-00Z", &[("bolt", PROVEN), ("dune", STALE), ("acme", PROVEN)], fleet),
        ("2026-07-02T10-00-00Z", &[("acme", PROVEN), ("bolt", PROVEN)], None),
        ("2026-07-02T23-59-59Z", &[("acme", PROVEN), ("bolt", PROVEN), ("dune", PROVEN)], fleet),
        ("2026-07-03T00-00-00Z", &[("acme", PROVEN), ("bolt", PROVEN), ("dune", PROVEN)], fleet),
    ])
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(folder).expect("it is below").to_owned())
        .collect();
    files.sort();
    files
}

/// Every row of a file, each by its columns.
fn rows(file: &Path) -> Vec<BTreeMap<String, Field>> {
    let reader = SerializedFileReader::new(std::fs::File::open(file).expect("a file")).expect("Parquet");
    let row =
        |row: parquet::record::Row| row.get_column_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    reader.get_row_iter(None).expect("rows").map(|one| row(one.expect("a row"))).collect()
}

fn text(row: &BTreeMap<String, Field>, column: &str) -> Option<String> {
    match &row[column] {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        other => panic!("{column} is {other}"),
    }
}

/// Tenant, state, behind, and whether it was in the fleet.
fn told(file: &Path) -> Vec<(String, String, bool, bool)> {
    let flag = |row: &BTreeMap<String, Field>, column: &str| row[column] == Field::Bool(true);
    let tell = |row: &BTreeMap<String, Field>| {
        let word = |column| text(row, column).expect("it is there");
        (word("tenant"), word("state"), flag(row, "behind"), flag(row, "in_fleet"))
    };
    rows(file).iter().map(tell).collect()
}

#[test]
fn every_tenant_of_a_rollout_has_a_row_also_one_that_was_skipped_without_a_fleet() {
    let case = incident();
    let ran = audit(&case, "out");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let days = ["01", "02", "03"].map(|day| format!("day=2026-07-{day}/part-0.parquet"));
    assert_eq!(files(&case.path("out")), days.each_ref().map(PathBuf::from));

    let out = |day: usize| case.path("out").join(&days[day]);
    let row = |tenant: &str, state: &str, behind, in_fleet| (tenant.to_owned(), state.to_owned(), behind, in_fleet);
    let (acme, bolt) = (row("acme", "verified", false, true), row("bolt", "verified", false, true));
    let dune = row("dune", "verified", false, true);
    assert_eq!(told(&out(0)), [acme.clone(), bolt.clone(), row("dune", "off_target", true, true)]);
    let second = [acme.clone(), bolt.clone(), row("dune", "missing", true, false)];
    assert_eq!(told(&out(1)), [&second[..], &[acme.clone(), bolt.clone(), dune.clone()]].concat());
    assert_eq!(told(&out(2)), [acme, bolt, dune]);

    let first = rows(&out(0));
    assert_eq!(text(&first[2], "reason").as_deref(), Some("verified_on_target is false"));
    assert_eq!(text(&first[0], "reason"), None);
    assert_eq!(first[2]["verified_on_target"], Field::Bool(false));
    assert_eq!(text(&first[2], "ssm_status").as_deref(), Some("Success"));
    assert_eq!(first[2]["healthz_ok"], Field::Null, "its row does not say");
    assert_eq!(rows(&out(1))[2]["verified_on_target"], Field::Null, "there is no row");
    assert_eq!(text(&first[0], "called").as_deref(), Some("green"));
    assert_eq!(first[0]["made_at"], Field::TimestampMicros(1_782_900_000_000_000));
    assert_eq!(text(&first[0], "archive").as_deref(), Some("2026-07-01T10-00-00Z.response.json"));
}

#[test]
fn the_same_archives_give_the_same_bytes() {
    let case = incident();
    let bytes = |out: &str| {
        audit(&case, out);
        let read = |file: PathBuf| std::fs::read(case.path(out).join(file)).expect("a file");
        files(&case.path(out)).into_iter().map(read).collect::<Vec<_>>()
    };
    let first = bytes("one");
    assert_eq!(first.len(), 3);
    assert_eq!(first, bytes("below/two"));
}

#[test]
fn a_folder_that_is_in_use_stays_as_it_is() {
    let case = incident();
    std::fs::create_dir(case.path("out")).expect("a folder");
    assert_eq!(audit(&case, "out").code, 1, "an empty folder will do");
    let before = files(&case.path("out"));
    let again = audit(&case, "out");
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("out is not empty"), "{}", again.stderr);
    assert_eq!(files(&case.path("out")), before);
    case.file("taken", "by a file");
    assert_eq!(audit(&case, "taken").code, 2);
    assert_eq!(std::fs::read_to_string(case.path("taken")).expect("it is there"), "by a file");
}

#[test]
fn what_cannot_be_written_leaves_the_verdict_and_no_folder() {
    let case = archives(&[("2026-07-01", &[("acme", PROVEN)], Some(r#"["acme"]"#))]);
    assert_eq!(audit(&case, "fine").code, 0);
    case.file("file", "");
    let ran = audit(&case, "file/below/out");
    assert_eq!(ran.code, 2, "it is said before anything is read: {}", ran.stderr);
}

#[test]
fn only_the_tenants_that_are_asked_for_have_rows() {
    let case = incident();
    case.run(["audit", "archives", "--until", "2026-08-01", "--tenant", "dune", "--parquet", "out"]);
    let states: Vec<String> = files(&case.path("out"))
        .iter()
        .flat_map(|file| told(&case.path("out").join(file)))
        .map(|(tenant, state, ..)| format!("{tenant} {state}"))
        .collect();
    assert_eq!(states, ["dune off_target", "dune missing", "dune verified", "dune verified"]);
}
