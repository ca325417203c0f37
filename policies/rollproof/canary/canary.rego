# METADATA
# title: Canary
# description: The canary goes first and alone; what it does not prove, nobody ships past.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
#   params:
#     allow_unhealthy:
#       type: boolean
#       default: false
#       description: Warn, and do not deny, where a proven tenant reports that it is not healthy.
#   remedy: Repair the canary, then roll out again; the tolerance never covers it.
package rollproof.canary

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof

# The cohort of the canary, by index; empty where the fleet does not have it.
enumerated contains i if {
	canary := input.rollout.canary
	some i, cohort in input.cohorts
	canary in cohort.tenants
	cohort.planned
}

asserted contains i if some i in (enumerated & fleet.asserted)

# METADATA
# title: Stale canary
# description: The plan names a canary that is not in the fleet, so nothing went first.
# custom:
#   codes: [canary.not_in_fleet]
#   remedy: Name a canary that the control plane enumerates, or none.
deny contains finding if {
	input.fleet.source != "none"
	count(enumerated) == 0
	finding := {
		"code": "canary.not_in_fleet",
		"message": sprintf("canary %s is not in the fleet", [input.rollout.canary]),
		"tenants": [input.rollout.canary],
	}
}

# METADATA
# title: Unproven canary
# description: The canary is not proven on the target; no tolerance covers that.
# custom:
#   codes: [canary.unproven]
deny contains finding if {
	some i in (asserted - proof.proven)
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
# description: The canary runs the target, and its health check fails; the parameter allow_unhealthy lets it.
# custom:
#   codes: [canary.unhealthy]
warn contains finding if {
	params.value("allow_unhealthy", false)
	some finding in unhealthy
}

# METADATA
# title: Halt at the canary
# description: What the canary does not prove, nobody soaks for and nobody ships past.
# custom:
#   codes: [canary.not_in_fleet, canary.unproven, canary.unhealthy]
halt contains finding if some finding in deny

unhealthy contains finding if {
	some i in (asserted & proof.proven)
	proof.counting[i].healthz_ok == false
	finding := {
		"code": "canary.unhealthy",
		"message": sprintf("canary %s is on %s and not healthy", [input.rollout.canary, fleet.target]),
		"tenants": [input.rollout.canary],
		"at": sprintf("/cohorts/%d", [i]),
	}
}

not_applicable := "none named" if not input.rollout.canary
