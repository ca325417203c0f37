//! The report: the decision, and everything that a person or a machine needs to believe it. Sorts once, here.
//!
//! It is a published format, `rollproof.report/v1`, which may grow by optional keys and no more.

pub(crate) mod checked;
pub(crate) mod compare;
pub(crate) mod comparison;
pub(crate) mod counterfactual;
pub(crate) mod earlier;
pub(crate) mod fleet_view;
pub(crate) mod rows;
pub(crate) mod stragglers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::declared::params::{Param, ParamSource};
use crate::io::config::ModeName;
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::model::document::{Document, FleetSource, InputFile, Role};
use crate::model::finding::{Finding, Severity, Softened};
use crate::policy::basis::Basis;
use crate::policy::package::Package;
use crate::policy::prepared::{Outcome, Prepared, Summary as Counted};
use crate::report::comparison::Comparison;
use crate::report::counterfactual::Counterfactuals;
use crate::report::fleet_view::FleetView;
use crate::report::rows::Rows;
use crate::report::stragglers::{Straggler, stragglers};

/// The verdict on a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The format's name and version.
    pub format: Format,
    /// What follows from the findings.
    pub decision: Decision,
    /// Counts.
    pub summary: Summary,
    /// Every planned tenant that is not proven, sorted, also when it was shipped past; none in a dry run.
    pub stragglers: Vec<Straggler>,
    /// What the policies say: heaviest first, then by code.
    pub findings: Vec<Finding>,
    /// Every policy that is there, also one that found nothing.
    pub policies: Vec<Policy>,
    /// The value of every parameter that a policy reads.
    pub params: Vec<ParamValue>,
    /// What the verdict follows from, as digests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// The files that the evidence was read from.
    pub inputs: Vec<InputFile>,
    /// What has changed since an earlier report, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Comparison>,
    /// What policies are told of the previous rollout where it is a document. A report that is written leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Outline>,
    /// The tenants that a deny names, sorted; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub denied: Vec<Text>,
    /// Rows for a table, the first [`MAX_ROWS`]; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub rows: Rows,
    /// The fleet and the calls, for a page; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub fleet_view: Option<FleetView>,
    /// What would turn the verdict, for a page; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub counterfactuals: Option<Counterfactuals>,
}

/// The name and version of the report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.report/v1")]
    V1,
}

/// What a document says of its rollout, and a report does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outline {
    /// The control plane's URL. Absent: it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Text>,
    /// Every tenant of the fleet, sorted.
    pub tenants: Vec<Text>,
}

/// Counts of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// The tag that every tenant must run. Absent: no plan was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// The commit behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_sha: Option<Text>,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// The newer commit, where the job was superseded before its first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// How many tenants the rollout had to cover.
    pub fleet: u64,
    /// Who enumerated them.
    pub fleet_source: FleetSource,
    /// How many of them are in each proof state; a state that nobody is in is left out.
    pub states: BTreeMap<String, u64>,
    /// Which of these states prove something; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub proving: BTreeSet<String>,
    /// What is missing in the proof of some of these states, in words; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub reservations: BTreeMap<String, String>,
    /// How many of them are proven on the target.
    pub proven: u64,
    /// How many of them are stragglers; 0 in a dry run.
    pub stragglers: u64,
    /// How many stragglers are tolerated.
    pub tolerated: u64,
    /// How many stragglers were shipped past.
    pub quarantined: u64,
    /// How many stragglers are waived. Absent: none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub waived: u64,
    /// How many tenants have rows but are not in the fleet.
    pub unplanned: u64,
}

/// A policy that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Policy {
    /// Its package.
    pub package: String,
    /// The SHA-256 of its text: of its file; where it has several, of the sorted list of their hashes, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its title.
    pub title: String,
    /// How many findings it gave.
    pub findings: u64,
    /// Why it had nothing to judge, where it had not; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub not_applicable: Option<String>,
    /// How much it weighs, where that is less than all. Absent: what it says is enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeName>,
    /// Why it weighs less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first day of rollouts on which it denies, where this one was before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<String>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ParamValue {
    /// Its name.
    pub name: String,
    /// Its value; `null` where it has no default and nobody gave it.
    pub value: Option<Value>,
    /// Who says so.
    pub from: ParamSource,
}

/// Makes the report of a document and what the policies say of it.
pub fn report(document: &Document, inputs: Vec<InputFile>, outcome: Outcome, evaluated: &Prepared) -> Report {
    let Outcome { mut findings, mut not_applicable, summary: counted } = outcome;
    sort(&mut findings);
    let stragglers = stragglers(document, &counted);
    let denied = denied(&findings);
    let is_asserted = !document.rollout.dry_run && counted.superseded_by.is_none();
    let mut policies = policies(evaluated.packages(), &findings, &counted.reporting);
    for policy in &mut policies {
        policy.not_applicable = not_applicable.remove(&policy.package);
    }
    Report {
        format: Format::V1,
        decision: Decision::of(&findings, is_asserted),
        summary: summary(document, &counted, stragglers.len() as u64),
        rows: rows::rows(document, &denied, &stragglers),
        denied,
        stragglers,
        policies,
        params: self::params(evaluated.params()),
        basis: Some(evaluated.basis().clone()),
        findings,
        inputs,
        compared: None,
        rollout: None,
        fleet_view: None,
        counterfactuals: None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(many: &u64) -> bool {
    *many == 0
}

/// Every policy, and how many of the findings are its.
pub(crate) fn policies(
    packages: &[Package],
    findings: &[Finding],
    reporting: &BTreeMap<String, Softened>,
) -> Vec<Policy> {
    let policy = |package: &Package| {
        let reporting = reporting.get(&package.name);
        let configured = package.mode();
        Policy {
            package: package.name.clone(),
            sha256: package.sha256.clone(),
            title: package.title.clone(),
            findings: findings.iter().filter(|finding| finding.policy == package.name).count() as u64,
            not_applicable: None,
            mode: configured.map(|mode| mode.mode).or(reporting.map(|_| ModeName::Report)),
            reason: configured.and_then(|mode| mode.reason.clone()),
            effective_from: reporting.and_then(|reporting| reporting.effective_from.clone()),
        }
    };
    packages.iter().map(policy).collect()
}

/// The value of every parameter.
pub(crate) fn params(params: &[Param]) -> Vec<ParamValue> {
    let param =
        |Param { name, value, from }: &Param| ParamValue { name: name.clone(), value: value.clone(), from: *from };
    params.iter().map(param).collect()
}

/// The tenants of every finding that fails the rollout.
fn denied(findings: &[Finding]) -> Vec<Text> {
    let denies = findings.iter().filter(|finding| finding.severity == Severity::Deny && finding.waived.is_none());
    let mut tenants: Vec<Text> = denies.flat_map(|finding| finding.tenants.iter().cloned()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants
}

/// Puts findings into the order of a report.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
}

fn sort_key(finding: &Finding) -> impl Ord + '_ {
    let Finding { severity, code, policy, rule, tenants, message, at, .. } = finding;
    (*severity, code, finding.waived.is_some(), policy, rule, tenants, message, at)
}

fn summary(document: &Document, counted: &Counted, stragglers: u64) -> Summary {
    let (mut states, mut proving) = (BTreeMap::new(), BTreeSet::new());
    let (mut proven, mut unplanned) = (0, 0);
    for (cohort, summary) in document.cohorts.iter().zip(&counted.cohorts) {
        let many = cohort.tenants.len() as u64;
        if !cohort.planned {
            unplanned += many;
            continue;
        }
        *states.entry(summary.state.clone()).or_default() += many;
        if summary.proven {
            proving.insert(summary.state.clone());
            proven += many;
        }
    }
    let mut reservations = counted.reservations.clone();
    reservations.retain(|state, _| proving.contains(state));
    Summary {
        target: document.rollout.target_tag.clone(),
        target_sha: document.rollout.target_sha.clone(),
        dry_run: document.rollout.dry_run,
        superseded_by: counted.superseded_by.clone(),
        fleet: document.fleet.tenants,
        fleet_source: document.fleet.source,
        states,
        proving,
        reservations,
        proven,
        stragglers,
        tolerated: counted.tolerated,
        quarantined: if counted.quarantined { stragglers - counted.waived.len() as u64 } else { 0 },
        waived: counted.waived.len() as u64,
        unplanned,
    }
}

impl Report {
    /// Whether a deny names a tenant.
    pub fn is_denied(&self, tenant: &Text) -> bool {
        self.denied.binary_search(tenant).is_ok()
    }

    /// The stragglers by name.
    pub fn stragglers_by_name(&self) -> HashMap<&str, &Straggler> {
        self.stragglers.iter().map(|straggler| (&*straggler.tenant, straggler)).collect()
    }

    /// The name of the input that was read as `role`.
    pub fn input(&self, role: Role) -> Option<&Text> {
        self.inputs.iter().find(|input| input.role == role).map(|input| &input.name)
    }
}
