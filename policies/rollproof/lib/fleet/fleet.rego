# METADATA
# title: Fleet
# description: Which tenants of the fleet are behind, and how many of them may be. In a dry run nobody is.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.fleet

import data.rollproof.lib.calls
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.waivers

default target := "the target"

target := tag if tag := input.rollout.target_tag

# The cohorts of the fleet that a rollout asserts something about, by index.
asserted contains i if some i in (planned - calls.unnamed)

planned contains i if {
	not input.rollout.dry_run
	input.fleet.source != "none"
	some i, cohort in input.cohorts
	cohort.planned
}

straggling contains i if some i in (asserted - proof.proven)

stragglers := [tenant |
	some i in straggling
	some tenant in input.cohorts[i].tenants
]

# Stragglers that somebody has agreed to live with, each with its waiver; they count toward no tolerance and no halt.
waived := waivers.applied("coverage.incomplete", stragglers)

# The others.
counted := [tenant | some tenant in stragglers; not waived[tenant]] if {
	count(waived) > 0
} else := stragglers

behind := many if many := count(counted)

# How many stragglers may be shipped past: the parameter, else the plan.
tolerated := limit if {
	limit := params.value("max_stragglers", null)
	limit != null
} else := limit if {
	limit := input.rollout.max_stragglers
}

# Whatever the tolerance, somebody must be proven, once everybody had a chance to be.
nobody_is_proven if {
	not is_running
	count(stragglers) > 0
	size(asserted) == count(stragglers)
}

# Stragglers that are known never to have been called; no tolerance covers them.
never_called contains tenant if {
	some i in (straggling & proof.in_state.unreached)
	calls.why_unreached(input.cohorts[i]) == "not_called"
	some tenant in input.cohorts[i].tenants
	not tenant in object.keys(waived)
}

is_running if input.rollout.outcome == "running"

# The stragglers are more than the tolerance covers.
exceeded if behind > tolerated

exceeded if count(never_called) > 0

exceeded if nobody_is_proven

# How many tenants some cohorts hold.
size(indices) := sum([count(input.cohorts[i].tenants) | some i in indices])

# The tenants that some cohorts hold.
tenants(indices) := [tenant |
	some i in indices
	some tenant in input.cohorts[i].tenants
]
