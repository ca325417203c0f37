//! One archive: collected, validated and evaluated as `verify` does it, and what an audit keeps of that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Deserialize;

use crate::audit::archive::{Archive, FoundArchives, quoted};
use crate::audit::timestamps::Patterns;
use crate::collect::collected::Collected;
use crate::collect::fields::EvidenceFields;
use crate::collect::mapped::Mappings;
use crate::collect::{Sources, collect_found};
use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::mapping::load::Mapping;
use crate::model::audit::{Because, Called, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::{Field, Text};
use crate::model::document::{Document, FleetSource, Role};
use crate::model::finding::Severity;
use crate::policy::prepared::Prepared;
use crate::report::{Report, report};
use crate::schema::document;

/// What every archive is evaluated with.
pub struct ArchiveEvaluator<'a> {
    pub policies: &'a Prepared,
    /// The archives and their files.
    pub found: &'a FoundArchives,
    /// What of a path is a time.
    pub patterns: &'a Patterns,
    /// Extra fields of rows that are evidence.
    pub fields: &'a EvidenceFields,
    /// How evidence of another system is read.
    pub mappings: &'a Mappings,
    /// The size limit of each file, unpacked, in bytes.
    pub max_bytes: u64,
    /// Only rollouts from here on are read.
    pub read_since: Option<Timestamp>,
    /// Up to when lag is counted: the day on which waivers of an undated archive count.
    pub until: Timestamp,
    /// Whether the evidence itself will be asked for.
    #[cfg(feature = "parquet")]
    pub evidence: bool,
    /// Names and words that many archives share.
    pub shared: Mutex<Interner>,
}

/// Names and words that many archives share, each held once.
#[derive(Debug, Default)]
pub struct Interner {
    tenants: HashMap<Text, u32>,
    words: HashMap<String, Text>,
}

impl Interner {
    /// The number of a tenant, in the order in which they were first met.
    fn tenant(&mut self, name: &Text) -> u32 {
        let next = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
        *self.tenants.entry(name.clone()).or_insert(next)
    }

    fn words(&mut self, words: &str) -> Text {
        if let Some(known) = self.words.get(words) {
            return known.clone();
        }
        let text = Text::from(words);
        self.words.insert(words.to_owned(), text.clone());
        text
    }

    /// The tenants, by number.
    pub fn names(self) -> Vec<Text> {
        let mut names: Vec<(u32, Text)> = self.tenants.into_iter().map(|(name, number)| (number, name)).collect();
        names.sort_unstable_by_key(|(number, _)| *number);
        names.into_iter().map(|(_, name)| name).collect()
    }
}

/// A rollout, and what became of each tenant in it.
#[derive(Debug)]
pub struct EvaluatedRollout {
    /// When it was made, if anything says so.
    pub at: Option<Timestamp>,
    /// The folder, or the ZIP or tar archive, that its evidence lies in.
    pub folder: PathBuf,
    /// The rollout in the document of the audit.
    pub published: Rollout,
    /// By a tenant's number. Empty, where the rollout asserts nothing; shorter than there are tenants, where the last are
    /// not in it.
    pub cells: Vec<Cell>,
    /// Tenants that are not proven, by number.
    pub stragglers: HashMap<u32, Straggling>,
    /// Whether its fleet has labels.
    pub has_labels: bool,
    /// Which row of each of the document's cohorts counts. Empty, where nobody asks.
    #[cfg(feature = "parquet")]
    pub counting: Vec<Option<i64>>,
}

/// What became of a tenant in a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The first letter of its proof state; `.` where it is not in the fleet.
    pub letter: u8,
    /// Whether the policies count it as proven.
    pub proven: bool,
}

impl Cell {
    /// A tenant that the rollout has nothing to do with.
    pub const OUTSIDE: Self = Self { letter: b'.', proven: false };
}

/// Why a tenant is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Straggling {
    /// Its proof state.
    pub state: Text,
    /// Why, in words.
    pub reason: Text,
    /// Whether it was shipped past.
    pub quarantined: bool,
    /// Whether somebody had agreed to live with it.
    pub waived: bool,
}

impl ArchiveEvaluator<'_> {
    /// Evaluates an archive; nothing where it was made before what is to be read.
    ///
    /// # Errors
    /// Those of `verify`.
    pub fn evaluate(&self, archive: &Archive) -> Result<Option<EvaluatedRollout>, Error> {
        let name = archive.name.clone();
        let in_path = || self.patterns.time(&archive.below).or_else(|| self.patterns.time(&archive.evidence));
        let named = archive.stated.at.or_else(in_path);
        // Where a day counts, it is the archive's, not today's.
        let Collected { document, inputs } = self.collect(archive, named.unwrap_or(self.until))?;
        let is_archived_document = inputs.first().is_some_and(|input| input.role != Role::Response);
        let at = archive.stated.at.or_else(|| made_at(&document, is_archived_document, named));
        if at.is_some_and(|at| self.read_since.is_some_and(|from| at < from)) {
            return Ok(None);
        }
        let called = self.called(archive, &document)?;
        let valid = document::validate(&document)?;
        let (outcome, fanned_out) = self.policies.audited(&valid)?;
        let cohorts = outcome.summary.cohorts.clone();
        let report = report(&document, inputs, outcome, self.policies);

        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut cells, mut stragglers) = (Vec::new(), HashMap::new());
        if asserts(&report) {
            for (cohort, summary) in document.cohorts.iter().zip(&cohorts).filter(|(cohort, _)| cohort.planned) {
                let letter = summary.state.bytes().next().unwrap_or(b'?');
                for tenant in &cohort.tenants {
                    let number = shared.tenant(tenant) as usize;
                    if cells.len() <= number {
                        cells.resize(number + 1, Cell::OUTSIDE);
                    }
                    cells[number] = Cell { letter, proven: summary.proven };
                }
            }
            for straggler in &report.stragglers {
                let straggling = Straggling {
                    state: shared.words(&straggler.state),
                    reason: shared.words(&straggler.reason),
                    quarantined: straggler.quarantined,
                    waived: straggler.waived,
                };
                stragglers.insert(shared.tenant(&straggler.tenant), straggling);
            }
        }
        drop(shared);
        // Months of them are kept.
        cells.shrink_to_fit();
        stragglers.shrink_to_fit();
        let evaluated = ReportedDocument { document: &document, report: &report, fanned_out };
        let mut published = rollout(Text::from(name), at, called, &evaluated);
        published.group.clone_from(&archive.group);
        published.explain = (report.decision != Decision::Pass)
            .then(|| Text::from(archive.explain(is_archived_document) + &self.mapping_options(&document)));
        Ok(Some(EvaluatedRollout {
            at,
            folder: archive.evidence.parent().map(Path::to_owned).unwrap_or_default(),
            published,
            cells,
            stragglers,
            has_labels: document.cohorts.iter().any(|cohort| cohort.planned && !cohort.labels.is_empty()),
            #[cfg(feature = "parquet")]
            counting: if self.evidence { cohorts.iter().map(|summary| summary.row).collect() } else { Vec::new() },
        }))
    }

    /// The options by which another system's evidence is read, as `explain` takes them.
    fn mapping_options(&self, document: &Document) -> String {
        let of = |option: &str, mapping: &Option<Arc<Mapping>>, role| {
            let is_used = document.provenance.inputs.iter().any(|input| input.role == role);
            let used = mapping.as_ref().filter(|_| is_used);
            used.map_or_else(String::new, |mapping| format!(" {option} {}", quoted(Path::new(&*mapping.name))))
        };
        let Mappings { rows, fleet } = self.mappings;
        of("--map", rows, Role::Mapping) + &of("--fleet-map", fleet, Role::FleetMapping)
    }

    /// The evidence of an archive; `now` is when it was collected.
    ///
    /// # Errors
    /// Those of `verify`.
    pub fn collect(&self, archive: &Archive, now: Timestamp) -> Result<Collected, Error> {
        let source = |path: &Option<PathBuf>| path.as_deref().map(|path| self.found.source(path));
        let sources = Sources {
            evidence: self.found.source(&archive.evidence),
            fleet: source(&archive.fleet),
            plan: source(&archive.plan),
            fields: self.fields.clone(),
            max_bytes: self.max_bytes,
        };
        collect_found(&sources, self.mappings, now)
    }

    /// What the rollout was called when it was made.
    fn called(&self, archive: &Archive, document: &Document) -> Result<Called, Error> {
        /// What a report or a response says of a rollout; the rest is not looked at.
        #[derive(Deserialize)]
        struct RecordedVerdict {
            decision: Option<String>,
            ok: Option<bool>,
        }

        if let Some(called) = archive.stated.called {
            return Ok(called);
        }
        let Some(path) = &archive.called else {
            return Ok(match document.archive.as_ref().map(|archive| archive.ok) {
                Some(Field::Given(true)) => Called::Green,
                Some(Field::Given(false)) => Called::Red,
                _ => Called::Unknown,
            });
        };
        let input = self.found.source(path).read(self.max_bytes)?;
        let said: RecordedVerdict = serde_json::from_slice(&input.bytes).map_err(|error| Error::Evidence {
            input: input.name.to_string(),
            faults: vec![Fault::whole(format!("it does not say what the rollout was called: {error}"))],
        })?;
        Ok(match (said.decision.as_deref(), said.ok) {
            (Some("pass"), _) | (None, Some(true)) => Called::Green,
            (Some("fail" | "inconclusive"), _) | (None, Some(false)) => Called::Red,
            _ => Called::Unknown,
        })
    }
}

/// Whether a rollout asserts anything about its tenants.
fn asserts(report: &Report) -> bool {
    !report.summary.dry_run && report.summary.superseded_by.is_none()
}

/// When a rollout was made. The time at which its evidence was collected counts only where the archive is a document,
/// and not collected by this audit.
fn made_at(document: &Document, is_archived_document: bool, named: Option<Timestamp>) -> Option<Timestamp> {
    let parse = |text: &Option<Text>| text.as_ref().and_then(|text| text.parse().ok());
    let collected = || is_archived_document.then(|| document.provenance.collected_at.parse().ok()).flatten();
    parse(&document.rollout.finished_at).or_else(|| parse(&document.rollout.started_at)).or(named).or_else(collected)
}

/// A document with its report.
struct ReportedDocument<'a> {
    document: &'a Document,
    report: &'a Report,
    /// Whether the rollout reached anybody but the canary.
    fanned_out: bool,
}

fn rollout(archive: Text, at: Option<Timestamp>, called: Called, evaluated: &ReportedDocument<'_>) -> Rollout {
    let ReportedDocument { document, report, fanned_out } = *evaluated;
    let because = report.findings.iter().filter(|finding| {
        finding.waived.is_none() && matches!(finding.severity, Severity::Deny | Severity::Inconclusive)
    });
    let because = because.map(|finding| Because {
        code: Text::from(&*finding.code),
        message: Text::from(&*finding.message),
        tenants: finding.tenants.clone(),
    });
    let canary = document.rollout.canary.clone();
    let planned = || document.cohorts.iter().filter(|cohort| cohort.planned);
    Rollout {
        sha256: report.inputs.first().map_or_else(|| Text::from(""), |input| input.sha256.clone()),
        archive,
        at: at.map(|at| Text::from(at.to_string())),
        explain: None,
        group: None,
        control_plane: document.rollout.control_plane.clone(),
        target: document.rollout.target_tag.clone(),
        dry_run: document.rollout.dry_run,
        called,
        decision: report.decision,
        because: if report.decision == Decision::Pass { Vec::new() } else { because.collect() },
        fleet_source: document.fleet.source,
        fleet: document.fleet.tenants,
        proven: report.summary.proven,
        stragglers: report.summary.stragglers - report.summary.quarantined,
        quarantined: report.summary.quarantined,
        missing: Vec::new(),
        fanned_out: fanned_out && asserts(report),
        canary_in_fleet: canary
            .as_ref()
            .filter(|_| document.fleet.source != FleetSource::None)
            .map(|canary| planned().any(|cohort| cohort.tenants.contains(canary))),
        canary,
    }
}
