//! Parts that every section of the page uses.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::audit::report::AuditReport;
use crate::model::audit::Tenant;
use crate::model::document::text::{Map, Text};
use crate::render::html::components::{minute, shown};

/// The time for which a tenant that is still in its fleet is behind, in seconds.
pub(crate) fn open(tenant: &Tenant) -> Option<u64> {
    let last = tenant.behind.last().filter(|last| last.until.is_none() && tenant.gone_since.is_none())?;
    Some(last.seconds)
}

/// A tenant's group, control plane and name.
pub(crate) type Key<'a> = (Option<&'a Text>, Option<&'a Text>, &'a Text);

/// What tells a tenant from those of the same name.
pub(crate) fn key(tenant: &Tenant) -> Key<'_> {
    (tenant.group.as_ref(), tenant.control_plane.as_ref(), &tenant.tenant)
}

/// The labels of each tenant that has any.
pub(crate) fn labelled(report: &AuditReport) -> HashMap<Key<'_>, &Map<Text>> {
    let tenants = report.audit.tenants.iter().filter(|tenant| !tenant.labels.is_empty());
    tenants.map(|tenant| (key(tenant), &tenant.labels)).collect()
}

pub(crate) fn time(at: &str) -> Markup {
    html! { time datetime=(shown(at)) { (minute(at)) } }
}
