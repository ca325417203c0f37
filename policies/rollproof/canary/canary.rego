# METADATA
# title: Canary
# description: The canary goes first and alone. If it is not proven, nothing else is rolled out.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
#   params:
#     allow_unhealthy:
#       type: boolean
#       default: false
#       description: Warn about proven tenants that are not healthy, instead of denying.
#   remedy: Repair the canary, then roll out again. The tolerance never covers it.
package rollproof.canary

import data.rollproof.lib.calls
import data.rollproof.lib.fleet
import data.rollproof.lib.lookalikes
import data.rollproof.lib.params
import data.rollproof.lib.proof

# The cohort of the canary, as an index into input.cohorts; empty if the canary is not in the fleet. While a rollout is
# running, most of the fleet may not have been called yet, so these tenants are searched last.
enumerated := called if {
	called := with_canary({i | some i, _ in input.cohorts} - calls.not_yet_called)
	count(called) > 0
} else := with_canary(calls.not_yet_called)

with_canary(indices) := {i |
	some i in indices
	input.cohorts[i].planned
	input.rollout.canary in input.cohorts[i].tenants
}

asserted := enumerated & fleet.asserted

# METADATA
# title: Canary not in the fleet
# description: The plan names a canary that is not in the fleet, so no tenant was rolled out first.
# custom:
#   codes: [canary.not_in_fleet]
#   remedy: Name a canary that the control plane enumerates, or remove the canary from the plan.
deny contains finding if {
	input.fleet.source != "none"
	count(enumerated) == 0
	finding := {
		"code": "canary.not_in_fleet",
		"message": sprintf("canary %s is not in the fleet%s", [input.rollout.canary, lookalikes.hint([input.rollout.canary])]),
		"tenants": [input.rollout.canary],
	}
}

# METADATA
# title: Unproven canary
# description: The canary is not proven on the target. The tolerance never covers the canary.
# custom:
#   codes: [canary.unproven]
deny contains finding if {
	some i in asserted
	not i in proof.proven
	finding := {
		"code": "canary.unproven",
		"message": sprintf("canary %s is not proven on %s: %s", [input.rollout.canary, fleet.target, proof.states[i]]),
		"tenants": [input.rollout.canary],
		"at": sprintf("/cohorts/%d", [i]),
	}
}

# METADATA
# title: Unhealthy canary
# description: The canary runs the target, and its health check fails.
# custom:
#   codes: [canary.unhealthy]
deny contains finding if {
	not params.value("allow_unhealthy", false)
	some finding in unhealthy
}

# METADATA
# title: Unhealthy canary
# description: The canary runs the target, and its health check fails. The parameter allow_unhealthy makes this a warning.
# custom:
#   codes: [canary.unhealthy]
warn contains finding if {
	params.value("allow_unhealthy", false)
	some finding in unhealthy
}

# METADATA
# title: Halt at the canary
# description: No other tenant is called if the canary is not in the fleet, not proven or not healthy.
# custom:
#   codes: [canary.not_in_fleet, canary.unproven, canary.unhealthy]
halt contains finding if some finding in deny

unhealthy contains finding if {
	some i in asserted
	i in proof.proven
	proof.deciding_rows[i].healthz_ok == false
	finding := {
		"code": "canary.unhealthy",
		"message": sprintf("canary %s is on %s and not healthy", [input.rollout.canary, fleet.target]),
		"tenants": [input.rollout.canary],
		"at": sprintf("/cohorts/%d", [i]),
	}
}

not_applicable := "none named" if not input.rollout.canary
