# METADATA
# title: Waivers
# description: No waiver outlives its day or its use. What is waived stands in the report all the same.
# schemas:
#   - input: schema["document.schema"]
package rollproof.waivers

import data.rollproof.lib.waivers

# METADATA
# title: Waivers that are not in force
# description: They have expired, or were granted only after the rollout; they waive nothing.
# custom:
#   codes: [waivers.expired]
#   remedy: Repair what was waived, or have it waived anew by somebody who answers for it.
warn contains finding if {
	some i, waiver in waivers.given
	not i in waivers.in_force
	finding := {
		"code": "waivers.expired",
		"message": sprintf("the waiver of %s by %s does not count on %s: %s", [waiver.code, waiver.owner, waivers.date, why(waiver)]),
		"tenants": object.get(waiver, "tenants", []),
		"observed": object.filter(waiver, ["granted", "expires", "labels", "reason"]),
		"expected": {"in_force_on": waivers.date},
	}
}

# METADATA
# title: Waivers that nothing needed
# description: They are in force, and there is no finding that they waive.
# custom:
#   codes: [waivers.unused]
#   remedy: Take them out; what they waived is repaired.
warn contains finding if {
	some i in (waivers.in_force - waivers.used)
	waiver := waivers.given[i]
	finding := {
		"code": "waivers.unused",
		"message": sprintf("the waiver of %s by %s, until %s, waives nothing", [waiver.code, waiver.owner, waiver.expires]),
		"tenants": object.get(waiver, "tenants", []),
		"observed": object.filter(waiver, ["labels", "reason"]),
	}
}

why(waiver) := sprintf("it was granted on %s", [waiver.granted]) if {
	waiver.granted > waivers.date
} else := sprintf("it expired on %s", [expires]) if {
	expires := waiver.expires
}

not_applicable := "none given" if count(waivers.given) == 0
