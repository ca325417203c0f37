# METADATA
# title: Soak
# description: The canary soaks for at least 10 minutes before another tenant is called.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     min_soak_seconds:
#       type: integer
#       default: 600
#       minimum: 0
#       description: How many seconds the canary has to soak.
#   remedy: Plan a longer soak, then roll out again.
package examples.soak

import data.rollproof.lib.params

min_soak := params.value("min_soak_seconds", 600)

planned := object.get(input.rollout, "soak_seconds", 0)

ended_ns(call) := time.parse_rfc3339_ns(attempt.at) + (attempt.duration_ms * 1000000) if {
	attempt := call.attempts[count(call.attempts) - 1]
}

pauses contains time.parse_rfc3339_ns(batch.attempts[0].at) - ended_ns(canary) if {
	some i, canary in input.calls
	canary.purpose == "canary"
	batch := input.calls[i + 1]
	batch.purpose == "batch"
}

# METADATA
# title: Soak too short
# description: Another tenant was called before the canary had soaked for as long as min_soak_seconds says.
# custom:
#   codes: [soak.too_short]
deny contains finding if {
	not input.rollout.dry_run
	some ns in pauses
	ns < min_soak * 1000000000
	finding := {
		"code": "soak.too_short",
		"message": sprintf("the canary soaked for %d s, and %d s are required", [floor(ns / 1000000000), min_soak]),
		"observed": floor(ns / 1000000000),
		"expected": min_soak,
	}
}

# METADATA
# title: Soak planned too short
# description: The plan has the canary soak for less than min_soak_seconds, so nobody but the canary is called.
# custom:
#   codes: [soak.planned_too_short]
halt contains finding if {
	input.rollout.next.purpose == "batch"
	planned < min_soak
	some call in input.calls
	call.purpose == "canary"
	finding := {
		"code": "soak.planned_too_short",
		"message": sprintf("the plan has the canary soak for %d s, and %d s are required", [planned, min_soak]),
		"at": "/rollout/soak_seconds",
	}
}
