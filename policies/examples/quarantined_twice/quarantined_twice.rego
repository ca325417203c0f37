# METADATA
# title: Nobody is quarantined twice
# description: A tenant that the previous rollout shipped past is proven now, whatever is tolerated.
# schemas:
#   - input: schema["document.schema"]
#   - data.previous: schema["report.schema"]
# custom:
#   previous: required
#   remedy: Repair these tenants before the next rollout. They have missed two builds.
package examples.quarantined_twice

import data.rollproof.lib.fleet

quarantined_before contains straggler.tenant if {
	some straggler in data.previous.stragglers
	straggler.quarantined
}

# METADATA
# title: Quarantined twice
# description: The tenant was quarantined by the previous rollout, and is a straggler again.
# custom:
#   codes: [quarantined_twice.again]
deny contains finding if {
	again := quarantined_before & {tenant | some tenant in fleet.stragglers}
	count(again) > 0
	finding := {
		"code": "quarantined_twice.again",
		"message": sprintf("the previous rollout was shipped past %s, and this one is too", [concat(", ", sort(again))]),
		"tenants": again,
	}
}
