//! Parts that every section of the page uses.

use maud::{Markup, html};

use crate::model::audit::Tenant;
use crate::render::html::components::{minute, shown};

/// The time for which a tenant that is still in its fleet is behind, in seconds.
pub(crate) fn open(tenant: &Tenant) -> Option<u64> {
    let last = tenant.behind.last().filter(|last| last.until.is_none() && tenant.gone_since.is_none())?;
    Some(last.seconds)
}

pub(crate) fn time(at: &str) -> Markup {
    html! { time datetime=(shown(at)) { (minute(at)) } }
}
