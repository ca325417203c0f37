//! The generated module that asks every policy at once.

use crate::declared::names::{GATES, HALT, SUMMARY, WAIVERS};
use crate::policy::package::{Package, key};

/// A module that asks for nothing, where rules are asked one by one.
pub fn nothing() -> String {
    "package rollproof.query\n\nready := true\n".to_owned()
}

/// A module of rules: `ready` looks at nothing, `answer` asks for every rule of findings and for the summary, `halts` for
/// every rule that can stop a rollout, `audited` for whether it reached anybody beside the answer, `gates_halt` for the gates' alone, `whom` for the tenants whose build is asked
/// for. A rule that is undefined leaves its list empty, which is how it differs
/// from one that is an empty set. Where there are waivers, each list has a parallel one of what they cover.
pub fn module(packages: &[Package], waivers: bool) -> String {
    let on = || packages.iter().filter(|package| package.is_on());
    let ask = |rules: &mut dyn Iterator<Item = (String, String)>| {
        rules.map(|(key, path)| format!("\t{key:?}: [value | value := data.{path}],\n")).collect::<String>()
    };
    let findings = |of_waivers: bool| {
        let packages = on().filter(|package| (package.name == WAIVERS) == of_waivers);
        let rules = packages.flat_map(|package| package.severities().map(|severity| key(package, severity)));
        ask(&mut rules.map(|path| (path.clone(), path)))
    };
    let summary = ["cohorts", "tolerated", "quarantined", "waived", "superseded_by"].iter();
    let summary = ask(&mut summary.map(|rule| ((*rule).into(), format!("{SUMMARY}.{rule}"))));
    let halts = |of: &dyn Fn(&Package) -> bool| {
        let halting = on().filter(|package| package.halts && of(package));
        ask(&mut halting.map(|package| format!("{}.{HALT}", package.name)).map(|path| (path.clone(), path)))
    };
    let applied = |said: &str| {
        if waivers {
            format!(
                "{{path: [covered | some one in values[0]; covered := waivers.applied_to(one)] | some path, values in {said}}}"
            )
        } else {
            "{}".to_owned()
        }
    };
    format!(
        "package rollproof.query

import data.rollproof.lib.modes
import data.rollproof.lib.waivers

ready := true

said := {{
{}}}

of_waivers := {{
{}}}

applied := {}

used := {{i | some one in applied[_]; some i in one}}

answer := {{
\t\"said\": object.union(said, of_waivers),
\t\"applied\": applied,
\t\"reporting\": [value | value := modes.reporting],
{summary}}}

audited := object.union(answer, {{\"fanned_out\": [value | value := data.rollproof.lib.summary.fanned_out]}})

asked := {{
{}}}

halts := {{
\t\"said\": asked,
\t\"progress\": [value | value := data.rollproof.lib.summary.progress],
\t\"applied\": {},
\t\"reporting\": [value | value := modes.reporting],
}}

gates_asked := {{
{}}}

gates_halt := {{
\t\"said\": gates_asked,
\t\"progress\": [value | value := data.rollproof.lib.summary.progress],
\t\"applied\": {},
\t\"reporting\": [value | value := modes.reporting],
}}

{}",
        findings(false),
        findings(true),
        applied("said"),
        halts(&|_| true),
        applied("asked"),
        halts(&|package| package.name == GATES),
        applied("gates_asked"),
        crate::policy::probe_targets::query(),
    )
}
