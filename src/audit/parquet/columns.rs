//! The columns: what is the same for all tenants of a rollout, and what is not. docs/at-scale.md is the word on them.

use std::io;
use std::iter::repeat_n;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder};
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde::Serialize;

use crate::audit::history::{MISSING, WHY_MISSING};
use crate::audit::verdict::{Cell, EvaluatedRollout};
use crate::model::audit::Tenant;
use crate::model::document::Row;
use crate::model::document::text::Text;

/// The columns that differ from tenant to tenant.
#[derive(Default)]
pub struct Columns {
    tenant: StringBuilder,
    in_fleet: BooleanBuilder,
    state: StringBuilder,
    proven: BooleanBuilder,
    behind: BooleanBuilder,
    straggler: BooleanBuilder,
    quarantined: BooleanBuilder,
    waived: BooleanBuilder,
    reason: StringBuilder,
    ssm_status: StringBuilder,
    ssm_exit_code: Int64Builder,
    healthz_ok: BooleanBuilder,
    verified_on_target: BooleanBuilder,
    running_image: StringBuilder,
}

/// A tenant of the audit, and its number in the cells of rollouts.
#[derive(Clone, Copy)]
pub struct Numbered<'a> {
    pub number: usize,
    pub tenant: &'a Tenant,
}

impl Columns {
    /// Adds a row, where the rollout concerns the tenant. `i` is the rollout's place in the tenant's history, `row` the row
    /// of the evidence that counts.
    pub fn add(&mut self, evaluated: &EvaluatedRollout, i: usize, tenant: &Numbered<'_>, row: Option<&Row>) {
        let Numbered { number, tenant } = *tenant;
        let cell = evaluated.cells.get(number).copied().unwrap_or(Cell::OUTSIDE);
        let in_fleet = cell != Cell::OUTSIDE;
        let letter = tenant.history.as_ref().and_then(|history| history.as_bytes().get(i)).copied();
        if !in_fleet && !letter.is_some_and(|letter| letter.eq_ignore_ascii_case(&b'm')) {
            return;
        }
        let straggling = u32::try_from(number).ok().and_then(|number| evaluated.stragglers.get(&number));
        self.tenant.append_value(&*tenant.tenant);
        self.in_fleet.append_value(in_fleet);
        self.state.append_value(match straggling {
            Some(straggling) => &*straggling.state,
            None if in_fleet => state(cell.letter),
            None => MISSING,
        });
        self.proven.append_value(cell.proven);
        self.behind.append_value(letter.is_some_and(|letter| letter.is_ascii_uppercase()));
        self.straggler.append_value(straggling.is_some());
        self.quarantined.append_value(straggling.is_some_and(|straggling| straggling.quarantined));
        self.waived.append_value(straggling.is_some_and(|straggling| straggling.waived));
        self.reason.append_option(match straggling {
            Some(straggling) => Some(&*straggling.reason),
            None => (!in_fleet).then_some(WHY_MISSING),
        });
        let row = row.filter(|_| in_fleet);
        self.ssm_status.append_option(row.and_then(|row| row.ssm_status.given()).map(|text| &**text));
        self.ssm_exit_code.append_option(row.and_then(|row| row.ssm_exit_code.given()).copied());
        self.healthz_ok.append_option(row.and_then(|row| row.healthz_ok.given()).copied());
        self.verified_on_target.append_option(row.and_then(|row| row.verified_on_target.given()).copied());
        self.running_image.append_option(row.and_then(|row| row.running_image.given()).map(|text| &**text));
    }

    /// The rows, with what is the same in all of them.
    pub fn finish(mut self, evaluated: &EvaluatedRollout, schema: &Arc<Schema>) -> io::Result<RecordBatch> {
        let tenants = self.tenant.finish();
        let many = tenants.len();
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(repeat_n(value, many))) };
        let maybe = |value: Option<&Text>| -> ArrayRef {
            Arc::new(repeat_n(value.map(|text| &**text), many).collect::<StringArray>())
        };
        let at = TimestampMicrosecondArray::from_value(evaluated.at.unwrap_or_default().as_microsecond(), many)
            .with_timezone("UTC");
        let rollout = &evaluated.published;
        RecordBatch::try_new(
            Arc::clone(schema),
            vec![
                Arc::new(at),
                text(&rollout.archive),
                text(&rollout.sha256),
                maybe(rollout.control_plane.as_ref()),
                maybe(rollout.target.as_ref()),
                text(&published_name(rollout.called)?),
                text(&published_name(rollout.decision)?),
                text(&published_name(rollout.fleet_source)?),
                Arc::new(BooleanArray::from(vec![rollout.fanned_out; many])),
                Arc::new(tenants),
                Arc::new(self.in_fleet.finish()),
                Arc::new(self.state.finish()),
                Arc::new(self.proven.finish()),
                Arc::new(self.behind.finish()),
                Arc::new(self.straggler.finish()),
                Arc::new(self.quarantined.finish()),
                Arc::new(self.waived.finish()),
                Arc::new(self.reason.finish()),
                Arc::new(self.ssm_status.finish()),
                Arc::new(self.ssm_exit_code.finish()),
                Arc::new(self.healthz_ok.finish()),
                Arc::new(self.verified_on_target.finish()),
                Arc::new(self.running_image.finish()),
                maybe(rollout.group.as_ref()),
            ],
        )
        .map_err(io::Error::other)
    }
}

/// The columns, in the order of [`Columns::finish`].
pub fn schema() -> Arc<Schema> {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let maybe = |name: &str| Field::new(name, DataType::Utf8, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, false);
    let perhaps = |name: &str| Field::new(name, DataType::Boolean, true);
    Arc::new(Schema::new(vec![
        Field::new("made_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        text("archive"),
        text("sha256"),
        maybe("control_plane"),
        maybe("target"),
        text("called"),
        text("decision"),
        text("fleet_source"),
        flag("fanned_out"),
        text("tenant"),
        flag("in_fleet"),
        text("state"),
        flag("proven"),
        flag("behind"),
        flag("straggler"),
        flag("quarantined"),
        flag("waived"),
        maybe("reason"),
        maybe("ssm_status"),
        Field::new("ssm_exit_code", DataType::Int64, true),
        perhaps("healthz_ok"),
        perhaps("verified_on_target"),
        maybe("running_image"),
        maybe("group_name"),
    ]))
}

/// A proof state, by the letter that stands for it in a history.
const fn state(letter: u8) -> &'static str {
    match letter {
        b'v' => "verified",
        b'a' => "assumed",
        b'o' => "off_target",
        b'e' => "errored",
        b'd' => "dry_run",
        b'u' => "unreached",
        _ => "unknown",
    }
}

/// A value as every published format spells it.
fn published_name(value: impl Serialize) -> io::Result<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(spelt) => Ok(spelt),
        other => Err(io::Error::other(format!("{other} is no word"))),
    }
}
