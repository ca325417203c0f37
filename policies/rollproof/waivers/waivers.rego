# METADATA
# title: Waivers
# description: Every waiver is in force and needed. A waived finding stays in the report.
# schemas:
#   - input: schema["document.schema"]
package rollproof.waivers

import data.rollproof.lib.lookalikes
import data.rollproof.lib.waivers

# METADATA
# title: Waivers not in force
# description: These waivers have expired or were granted after the rollout, so they have no effect.
# custom:
#   codes: [waivers.expired]
#   remedy: Fix what was waived, or have an owner renew the waiver.
warn contains finding if {
	some i, waiver in waivers.given
	not i in waivers.in_force
	finding := {
		"code": "waivers.expired",
		"message": sprintf(
			"the waiver of %s by %s does not count on %s: %s",
			[waiver.code, waiver.owner, waivers.rollout_day, not_in_force_reason(waiver)],
		),
		"tenants": object.get(waiver, "tenants", []),
		"observed": object.filter(waiver, ["granted", "expires", "labels", "reason"]),
		"expected": {"in_force_on": waivers.rollout_day},
	}
}

# METADATA
# title: Unused waivers
# description: These waivers are in force, and no finding needs them.
# custom:
#   codes: [waivers.unused]
#   remedy: Remove these waivers. What they waived no longer occurs.
warn contains finding if {
	some i in (waivers.in_force - waivers.used)
	waiver := waivers.given[i]
	finding := {
		"code": "waivers.unused",
		"message": sprintf(
			"the waiver of %s by %s, until %s, waives nothing%s%s",
			[
				waiver.code, waiver.owner, waiver.expires,
				covered(i), lookalikes.hint(object.get(waiver, "tenants", [])),
			],
		),
		"tenants": object.get(waiver, "tenants", []),
		"observed": object.filter(waiver, ["labels", "reason"]),
	}
}

covered(i) := ": it covers no tenant of this rollout" if i in waivers.for_nobody

covered(i) := "" if not i in waivers.for_nobody

not_in_force_reason(waiver) := sprintf("it was granted on %s", [waiver.granted]) if {
	waiver.granted > waivers.rollout_day
} else := sprintf("it expired on %s", [expires]) if {
	expires := waiver.expires
}

not_applicable := "none given" if count(waivers.given) == 0
