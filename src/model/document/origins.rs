//! Where the rows of a cohort came from: one list a tenant, all of one length, held flat.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a row came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Index in `calls`. Absent: the row is of an archived response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u32>,
    /// Index in the call's `attempts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u16>,
    /// Index in the answer's `results`.
    pub row: u32,
}

/// The origins of every row of every tenant of a cohort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// How many rows each tenant has.
    width: usize,
    flat: Vec<Origin>,
}

impl Origins {
    /// Room for tenants with `width` rows each.
    pub const fn new(width: usize) -> Self {
        Self { width, flat: Vec::new() }
    }

    /// Adds the origins of one more tenant's rows.
    pub fn push(&mut self, rows: impl IntoIterator<Item = Origin>) {
        self.flat.extend(rows);
    }

    /// Whether no row has an origin.
    pub const fn is_empty(&self) -> bool {
        self.flat.is_empty()
    }

    /// How many tenants have origins.
    pub fn tenants(&self) -> usize {
        self.flat.len().checked_div(self.width).unwrap_or(0)
    }

    /// How many rows each tenant has.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The origin of a tenant's row.
    pub fn get(&self, tenant: usize, row: usize) -> Option<Origin> {
        self.flat.get(tenant * self.width + row).copied().filter(|_| row < self.width)
    }
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lists = serializer.serialize_seq(Some(self.tenants()))?;
        for tenant in self.flat.chunks(self.width.max(1)) {
            lists.serialize_element(tenant)?;
        }
        lists.end()
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lists = <Vec<Vec<Origin>>>::deserialize(deserializer)?;
        let width = lists.first().map_or(0, Vec::len);
        if lists.iter().any(|list| list.len() != width || width == 0) {
            return Err(D::Error::custom("each tenant of a cohort has the same number of origins, and at least one"));
        }
        Ok(Self { width, flat: lists.into_iter().flatten().collect() })
    }
}

impl JsonSchema for Origins {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Origins".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Vec<Vec<Origin>>>::json_schema(generator)
    }
}
