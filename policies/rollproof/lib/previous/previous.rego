# METADATA
# title: Previous rollout
# description: Compares a rollout with the one before it. If that was not given, there is nothing to compare.
# schemas:
#   - input: schema["document.schema"]
#   - data.previous: schema["report.schema"]
package rollproof.lib.previous

import data.rollproof.lib.fleet
import data.rollproof.lib.proof

# The cohorts whose proof is only assumed although the same control plane sent verified_on_target before. A control plane
# that is not known is taken for the same.
proof_lost contains i if {
	data.previous.summary.states.verified > 0
	not is_other_control_plane
	some i in fleet.asserted
	proof.states[i] == "assumed"
}

is_other_control_plane if data.previous.rollout.control_plane != input.rollout.control_plane

# The tenants of the previous fleet that are known by name and that this fleet does not have.
default vanished := set()

vanished := (known - enumerated) - retired if is_compared

# How many tenants more the previous fleet had, as its report says. Which of them were retired cannot be told, since only a
# document has all names.
default missing := 0

missing := number if {
	is_compared
	not data.previous.rollout
	number := data.previous.summary.fleet - input.fleet.tenants
}

# While a rollout is driven, its fleet is compared before any tenant is called. It does not change afterwards.
is_compared if {
	data.previous
	input.fleet.source != "none"
	not has_begun
}

has_begun if {
	input.rollout.outcome == "running"
	some call in input.calls
	call.purpose != "plan"
}

known contains tenant if some tenant in data.previous.rollout.tenants

known contains straggler.tenant if some straggler in data.previous.stragglers

# Only where there is something to compare: it holds every tenant of the fleet.
enumerated contains tenant if {
	is_compared
	some cohort in input.cohorts
	cohort.planned
	some tenant in cohort.tenants
}

retired contains tenant if some tenant in data.rollproof.given.retired
