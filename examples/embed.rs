//! Judges an archived response from another program: `cargo run --example embed -- RESPONSE FLEET [POLICIES...]`.

use std::env::args_os;
use std::io::{Error as IoError, Write as _, stdout};
use std::path::PathBuf;

use rollproof::{
    CappedAllocator, Error, EvidenceFields, Format, Settings, Source, Sources, Timestamp, View, collect, load, render,
    report, validate,
};

/// Counts what policies hold: where it is not the global allocator, none is evaluated.
#[global_allocator]
static ALLOCATOR: CappedAllocator = CappedAllocator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = args_os().skip(1).map(PathBuf::from);
    let evidence = Source::new(paths.next().ok_or_else(|| IoError::other("name a response"))?);
    let fleet = paths.next().map(Source::new);
    let text = judge(evidence, fleet, paths.collect())?;
    Ok(stdout().write_all(&text)?)
}

/// The report as text: what `rollproof verify RESPONSE --fleet FLEET --policy POLICIES` prints.
fn judge(evidence: Source, fleet: Option<Source>, paths: Vec<PathBuf>) -> Result<Vec<u8>, Error> {
    // Policies are parsed on a thread of their own while the evidence is read.
    let policies = load(Settings { paths, ..Settings::default() })?;
    let sources = Sources { evidence, fleet, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 30 };
    let collected = collect(&sources, Timestamp::now())?;
    let valid = validate(&collected.document)?;
    let policies = policies.wait()?;
    let outcome = policies.evaluate(&valid)?;
    let report = report(&valid, collected.inputs, outcome, &policies);
    let mut text = Vec::new();
    render(Format::Text, &report, &View::plain(), &mut text).expect("a vector takes every write");
    Ok(text)
}
