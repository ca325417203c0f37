//! Asks the policies about a document: a team's own about the document as it is, the bundled ones about its cohorts merged
//! by what they can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::declared::names::{NOT_APPLICABLE, OTHER_IMAGES, USED_BY_OWN, is_ours};
use crate::error::Error;
use crate::model::document::projection::{Projection, SeenValues};
use crate::model::document::text::{Field, Text};
use crate::model::document::{Cohort, Document, Row};
use crate::model::finding::Finding;
use crate::policy::failure;
use crate::policy::failure::CandidateRule;
use crate::policy::package::Package;
use crate::policy::prepared::Prepared;
use crate::rego::engine::answer::Answer;
use crate::rego::engine::input::{Input, Inputs};
use crate::rego::engine::probe::RuleOutput;
use crate::rego::guard::{Failure, Limits};

/// Rules of the query that are asked together.
#[derive(Clone, Copy)]
pub struct Question {
    bundled: &'static str,
    /// None: a team's own policies are not asked.
    own: Option<&'static str>,
}

/// Every finding, and what a report counts.
pub const ANSWER: Question =
    Question { bundled: "data.rollproof.query.answer", own: Some("data.rollproof.query.own_answer") };

/// The same, and whether the rollout reached anybody but the canary.
pub const AUDITED: Question = Question { bundled: "data.rollproof.query.audited", ..ANSWER };

/// Everything that can stop a rollout.
pub const HALTS: Question =
    Question { bundled: "data.rollproof.query.halts", own: Some("data.rollproof.query.own_halts") };

/// What the gates' policy says.
pub const GATES_HALT: Question = Question { bundled: "data.rollproof.query.gates_halt", own: None };

/// The tenants whose build is asked for next.
pub const PROBE_TARGETS: Question = Question { bundled: "data.rollproof.query.probe_targets", own: None };

/// Up to how many images of a document the bundled policies are not asked which of them they treat alike.
const FEW_IMAGES: usize = 8;

/// What the policies answered.
pub struct Answers<'d> {
    /// What the bundled policies saw.
    pub projection: Projection<'d>,
    /// What they answered.
    pub bundled: Answer,
    own: Option<Answer>,
}

impl Answers<'_> {
    /// The answer of which a package's is a part.
    pub fn of(&self, package: &Package) -> &Answer {
        self.own.as_ref().filter(|_| !is_ours(&package.name)).unwrap_or(&self.bundled)
    }

    /// Moves the place of a bundled policy's finding from what the policy saw to the document: to the first cohort that
    /// has one of the finding's tenants.
    pub fn locate(&self, finding: &mut Finding) {
        if !is_ours(&finding.policy) {
            return;
        }
        let Some(place) = finding.at.as_deref().and_then(|at| at.strip_prefix("/cohorts/")) else { return };
        let (seen, rest) = place.split_at(place.find('/').unwrap_or(place.len()));
        let Ok(seen) = seen.parse() else { return };
        let tenants: BTreeSet<&str> = finding.tenants.iter().map(|tenant| &**tenant).collect();
        let has_one = |index: &&usize| {
            let cohort = self.projection.document().cohorts.get(**index);
            cohort.is_some_and(|cohort| cohort.tenants.iter().any(|tenant| tenants.contains(&**tenant)))
        };
        let members = self.projection.members(seen);
        if let Some(index) = members.iter().find(has_one).or_else(|| members.first()) {
            finding.at = Some(format!("/cohorts/{index}{rest}"));
        }
    }
}

impl Prepared {
    /// Asks a question about a document, the bundled policies about what they see of it. A rollout that is being driven
    /// keeps what stays the same in `inputs`.
    pub(crate) fn ask<'d>(
        &self,
        question: Question,
        projection: Projection<'d>,
        inputs: &mut Inputs,
    ) -> Result<Answers<'d>, Error> {
        let document = projection.document();
        let has_own = self.packages.iter().any(|package| package.is_on() && !is_ours(&package.name));
        let own = match question.own.filter(|_| has_own) {
            Some(rule) => {
                let mut input = input(inputs, &Projection::whole(document))?;
                if self.sees_order {
                    input = input.with_order(document).map_err(|error| Error::bug(error.to_string()))?;
                }
                Some(self.ask_one(rule, &input, document.cohorts.len())?)
            }
            None => None,
        };
        let mut input = input(inputs, &projection)?;
        if let Some(own) = &own {
            input = input.with(USED_BY_OWN, own.get("used"));
        }
        let bundled = self.ask_one(question.bundled, &input, projection.len())?;
        Ok(Answers { projection, bundled, own })
    }

    /// What the bundled policies see of a document.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub(crate) fn projection<'d>(&self, document: &'d Document) -> Result<Projection<'d>, Error> {
        Ok(Projection::for_bundled(document, self.seen_values(document)?))
    }

    /// What the bundled rules that can halt a rollout see of a document.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub(crate) fn projection_for_halts<'d>(&self, document: &'d Document) -> Result<Projection<'d>, Error> {
        Ok(Projection::for_halts(document, self.seen_values(document)?))
    }

    /// What the bundled policies can tell apart in a document: the labels that waivers name, and few of many images.
    fn seen_values(&self, document: &Document) -> Result<SeenValues, Error> {
        let given = self.waivers.given.iter().filter_map(|given| given.waiver.labels.as_ref());
        let labels = given.flat_map(|labels| labels.keys()).cloned().collect();
        Ok(SeenValues { labels, images: self.images_alike(document)? })
    }

    /// The images that the bundled policies treat alike, each with the first of them. They ask whether an image is one of
    /// the other images, and whether it is blank.
    fn images_alike(&self, document: &Document) -> Result<BTreeMap<Text, Text>, Error> {
        let rows = document.cohorts.iter().flat_map(|cohort| &cohort.rows);
        let images: BTreeSet<&Text> = rows.filter_map(|row| row.running_image.given()).collect();
        if images.len() <= FEW_IMAGES {
            return Ok(BTreeMap::new());
        }
        let row = |image: &&Text| Row { running_image: Field::Given((*image).clone()), ..Row::default() };
        let cohort = Cohort { rows: images.iter().map(row).collect(), ..Cohort::default() };
        let asked = Document { cohorts: vec![cohort], ..document.without_evidence() };
        let input = input(&mut Inputs::default(), &Projection::whole(&asked))?;
        let others = self.ask_one(OTHER_IMAGES, &input, images.len())?.elements::<String>();
        let others = others.map_err(|error| Error::bug(format!("{OTHER_IMAGES}: {error}")))?;
        let others: BTreeSet<&str> = others.iter().map(|image| &**image).collect();
        let is_nonblank = |image: &&Text| !image.trim().is_empty();
        let (others, same): (Vec<&Text>, Vec<&Text>) =
            images.into_iter().filter(is_nonblank).partition(|image| others.contains(&***image));
        let with_first = |alike: Vec<&Text>| {
            let first = alike.first().map(|first| (*first).clone()).into_iter().cycle();
            alike.into_iter().cloned().zip(first).collect::<Vec<_>>()
        };
        Ok([others, same].into_iter().flat_map(with_first).collect())
    }

    /// What single definitions of rules say of what their policies saw, each definition given by file and line.
    pub(crate) fn elements_of(
        &self,
        places: &[(String, u32)],
        answers: &Answers<'_>,
    ) -> Result<Vec<RuleOutput>, Error> {
        let own = self.packages.iter().filter(|package| !is_ours(&package.name)).flat_map(|package| &package.rules);
        let own: BTreeSet<&str> = own.map(|rule| &*rule.place.file).collect();
        let (own, bundled): (Vec<_>, Vec<_>) = places.iter().cloned().partition(|(file, _)| own.contains(&**file));
        let document = answers.projection.document();
        let mut outputs = if own.is_empty() { Vec::new() } else { self.elements(&own, document)? };
        if !bundled.is_empty() {
            let input = input(&mut Inputs::default(), &answers.projection)?;
            outputs.extend(self.engine.elements(&bundled, &input, Limits::for_cohorts(answers.projection.len()))?);
        }
        Ok(outputs)
    }

    fn ask_one(&self, rule: &str, input: &Input, cohorts: usize) -> Result<Answer, Error> {
        let limits = Limits::for_cohorts(cohorts).within(self.time);
        self.engine
            .evaluate(rule, input.clone(), limits)
            .map_err(|failure| self.locate_failure(self.candidates(), input, limits, failure))
    }

    /// Names the rule that failed, and the facts that it may have failed on.
    pub(crate) fn locate_failure(
        &self,
        candidates: Vec<CandidateRule>,
        input: &Input,
        limits: Limits,
        failure: Failure,
    ) -> Error {
        // Rules are evaluated once more, and what they print was printed already.
        let locate = || failure::locate_failure(&self.engine, candidates, input, limits, failure);
        let mut error = self.engine.without_prints(locate);
        let facts: Vec<&str> = self.facts.files.iter().map(|file| &*file.name).collect();
        if let Error::Policies(problems) = &mut error
            && !facts.is_empty()
        {
            for problem in problems {
                problem.remedy += &format!("; the facts that were given: {}", facts.join(", "));
            }
        }
        error
    }

    /// Every rule that is evaluated, a team's own first.
    pub(crate) fn candidates(&self) -> Vec<CandidateRule> {
        let candidates = |package: &Package| -> Vec<CandidateRule> {
            let names = package.rules().chain(package.has_not_applicable.then_some(NOT_APPLICABLE));
            let candidate = |name: &str| CandidateRule {
                path: format!("{}.{name}", package.name),
                place: package.rule(name).unwrap_or(&package.place).clone(),
            };
            names.map(candidate).collect()
        };
        let (ours, own): (Vec<_>, Vec<_>) =
            self.packages.iter().filter(|package| package.is_on()).partition(|package| is_ours(&package.name));
        own.into_iter().chain(ours).flat_map(candidates).collect()
    }
}

fn input(inputs: &mut Inputs, projection: &Projection<'_>) -> Result<Input, Error> {
    inputs.next(projection).map_err(|error| Error::bug(error.to_string()))
}
