//! What the targets share: files of arbitrary bytes, and what must hold of evidence, whatever its bytes are.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rollproof::internal::escape::block;
use rollproof::{
    Document, Error, EvidenceFields, Format, Prepared, Report, Settings, Source, Sources, Timestamp, View, collect,
    load, render, report, validate,
};
use tempfile::TempDir;

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: rollproof::CappedAllocator = rollproof::CappedAllocator;

/// The size limit of an input, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));
static POLICIES: LazyLock<Prepared> =
    LazyLock::new(|| load(Settings::default()).and_then(|loading| loading.wait()).expect("the bundled policies load"));

/// A file with these contents.
pub fn file(name: &str, contents: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, contents).expect("a temporary file");
    path
}

/// Judges evidence as `verify` does, in every format. A document that comes of it is accepted again, and judged alike.
pub fn judge(evidence: &[u8], fleet: Option<&Path>, plan: Option<&Path>) {
    let sources = |evidence, fleet: Option<&Path>, plan: Option<&Path>| Sources {
        evidence: Source::new(evidence),
        fleet: fleet.map(|path| Source::new(path.to_owned())),
        plan: plan.map(|path| Source::new(path.to_owned())),
        fields: EvidenceFields::default(),
        max_bytes: MAX_BYTES,
    };
    let collected = match collect(&sources(file("evidence", evidence), fleet, plan), Timestamp::UNIX_EPOCH) {
        Ok(collected) => collected,
        Err(error) => return readable(&error),
    };
    let first = judged(&collected.document);
    let written = serde_json::to_vec(&collected.document).expect("a document is JSON");
    if written.len() as u64 > MAX_BYTES {
        return;
    }
    let again = collect(&sources(file("document", &written), None, None), Timestamp::UNIX_EPOCH);
    let again = judged(&again.expect("a document that was written is accepted").document);
    assert_eq!((first.decision, first.findings), (again.decision, again.findings), "the same verdict");
}

/// The verdict on a document, rendered in every format.
pub fn judged(document: &Document) -> Report {
    let valid = validate(document).expect("what is collected is valid");
    let policies = &*POLICIES;
    let outcome = policies.evaluate(&valid).expect("the bundled policies judge it");
    let report = report(document, Vec::new(), outcome, policies);
    for format in Format::ALL {
        render(format, &report, &View::plain(), &mut std::io::sink()).expect("it can be written");
    }
    report
}

/// An error is said in words, and as it is printed nothing in it commands a terminal.
pub fn readable(error: &Error) {
    let text = error.to_string();
    assert!(!text.trim().is_empty(), "{error:?}");
    let text = block("error: ", &text);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}
