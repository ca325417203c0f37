# METADATA
# title: Fleet
# description: Computes which tenants of the fleet are stragglers, and how many are tolerated. A dry run has no stragglers.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.fleet

import data.rollproof.lib.calls
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.waivers

default target := "the target"

target := tag if tag := input.rollout.target_tag

# The cohorts of the fleet that a rollout asserts something about, as indices into input.cohorts.
asserted := planned - calls.not_yet_called

planned contains i if {
	not input.rollout.dry_run
	input.fleet.source != "none"
	some i, cohort in input.cohorts
	cohort.planned
}

# The cohorts of stragglers.
straggling := asserted - proof.proven

stragglers := [tenant |
	some i in straggling
	some tenant in input.cohorts[i].tenants
]

# The stragglers that are waived, each with its waiver. They count toward neither the tolerance nor a halt.
waived := waivers.applied("coverage.incomplete", stragglers)

# The stragglers that are not waived.
unwaived := [tenant | some tenant in stragglers; not waived[tenant]] if {
	count(waived) > 0
} else := stragglers

unwaived_count := total if total := count(unwaived)

# How many stragglers are tolerated: the parameter, else the plan.
tolerated := limit if {
	limit := params.value("max_stragglers", null)
	limit != null
} else := limit if {
	limit := input.rollout.max_stragglers
}

# Whatever the tolerance is, at least one tenant must be proven when the rollout has ended.
nobody_is_proven if {
	not is_running
	count(stragglers) > 0
	count(asserted & proof.proven) == 0
}

# Stragglers that are known never to have been called. The tolerance does not cover them.
never_called contains tenant if {
	some i in straggling
	proof.states[i] == "unreached"
	calls.unreached_reason(input.cohorts[i]) == "not_called"
	some tenant in input.cohorts[i].tenants
	not tenant in object.keys(waived)
}

is_running if input.rollout.outcome == "running"

# The tolerance does not cover the stragglers.
tolerance_exceeded if unwaived_count > tolerated

tolerance_exceeded if count(never_called) > 0

tolerance_exceeded if nobody_is_proven

# The fleet of a document in its own order; cohort by cohort where the document does not know it. These are functions, so
# that nobody pays for them who does not ask.
in_order(document) := [place[2] | some place in places] if {
	count(document.order) > 0

	# A cohort's tenants stand in its runs, one run after the other.
	by_cohort := {[cohort, run, length] | some run, [cohort, length] in document.order}
	slots := [[entry[1], at] | some entry in by_cohort; some at in numbers.range(1, entry[2])]
	places := {[slots[k][0], slots[k][1], tenant] | some k, tenant in members(document)}
} else := members(document)

# The tenants that the fleet of a document enumerates, cohort by cohort.
members(document) := [tenant |
	some cohort in document.cohorts
	cohort.planned
	some tenant in cohort.tenants
]

# The tenants that a row names in a phase, in the order of the rows, by the phase's name.
phases(document) := object.get(document, "phases", {})

# The number of tenants in the given cohorts.
size(indices) := sum([count(input.cohorts[i].tenants) | some i in indices])

# The tenants in the given cohorts.
tenants(indices) := [tenant |
	some i in indices
	some tenant in input.cohorts[i].tenants
]
