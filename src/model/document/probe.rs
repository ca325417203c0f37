//! What tenants say of their own build: the entries of the document, and the fold that makes them from rounds of asking.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::document::failure::Failure;
use crate::model::document::text::{Field, Text};

/// Why a tenant whose slug cannot stand in a URL was never asked.
const REFUSED: &str = "its slug does not match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$, so it never stands in a URL";

/// Tenants that were asked for their build, and all said the same when they were last asked (contract section 4.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The URL; `{slug}` stands for the tenant.
    pub url: Text,
    /// The tenants, at least one.
    pub tenants: Vec<Text>,
    /// How often each of them was asked, to the end. 0: probing was cut short before, or `error` says why it never was.
    pub asked: u64,
    /// When the last round ended that asked them, RFC 3339, UTC. Absent: they were never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// What was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The commit that the last answer names. Absent: it names none, or it is no answer that can be read.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub git_sha: Field<Text>,
    /// Why there is no whole answer, or none that can be read. May hold sensitive text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// Why there is no answer, or none that can be used, as far as the transport knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What one round of asking saw, the same of each of some tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeAnswer {
    /// The tenants.
    pub tenants: Vec<Text>,
    /// What they said.
    pub seen: BuildSeen,
}

/// What a tenant's `/buildinfo` gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildSeen {
    /// The HTTP status, where an answer began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The commit that it names.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub git_sha: Field<Text>,
    /// Why there is no whole answer, or none that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// Why there is no answer, or none that can be used, as far as the transport knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The tenants that are asked for their build, and what each of them said last.
#[derive(Debug, Clone, Default)]
pub struct Probing {
    url: Option<Text>,
    tenants: Vec<(Text, Last)>,
    places: HashMap<Text, usize>,
}

/// What is known of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Last {
    asked: u64,
    at: Option<Text>,
    seen: BuildSeen,
}

impl Probing {
    /// These tenants are asked from now on; those that are `refused` never.
    pub fn begin(url: &Text, tenants: &[Text], refused: &[Text]) -> Self {
        let why = BuildSeen { error: Some(Text::from(REFUSED)), ..BuildSeen::default() };
        let asked = tenants.iter().map(|tenant| (tenant.clone(), Last::default()));
        let never = refused.iter().map(|tenant| (tenant.clone(), Last { seen: why.clone(), ..Last::default() }));
        let tenants: Vec<_> = asked.chain(never).collect();
        let places = tenants.iter().enumerate().map(|(i, (tenant, _))| (tenant.clone(), i)).collect();
        Self { url: Some(url.clone()), tenants, places }
    }

    /// What a round of asking saw. An answer of a tenant that nobody was to ask says nothing.
    pub fn record(&mut self, at: &Text, answers: &[ProbeAnswer]) {
        for answer in answers {
            for tenant in &answer.tenants {
                let place = self.places.get(tenant).and_then(|place| self.tenants.get_mut(*place));
                if let Some((_, last)) = place {
                    *last = Last { asked: last.asked + 1, at: Some(at.clone()), seen: answer.seen.clone() };
                }
            }
        }
    }

    /// One entry a distinct answer, in the order of the tenants.
    pub fn probes(&self) -> Vec<Probe> {
        let mut probes: Vec<Probe> = Vec::new();
        let mut known: HashMap<&Last, usize> = HashMap::new();
        for (tenant, last) in &self.tenants {
            let place = *known.entry(last).or_insert(probes.len());
            if let Some(probe) = probes.get_mut(place) {
                probe.tenants.push(tenant.clone());
                continue;
            }
            let Last { asked, at, seen } = last.clone();
            let url = self.url.clone().unwrap_or_else(|| Text::from(""));
            let tenants = vec![tenant.clone()];
            probes.push(Probe {
                url,
                tenants,
                asked,
                at,
                status: seen.status,
                git_sha: seen.git_sha,
                error: seen.error,
                failure: seen.failure,
            });
        }
        probes
    }
}
