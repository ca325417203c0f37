# METADATA
# title: Gates
# description: Reads the state of the gates from the document. If a gate was read several times, the latest reading decides.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.gates

# The latest reading of the kill switch, and its index.
switch := reading if reading := input.gates.switch[switch_index]

switch_index := latest if {
	readings := input.gates.switch
	latest := count(readings) - 1
}

# The latest reading of the branch's head, and its index.
head := reading if reading := input.gates.head[head_index]

head_index := latest if {
	readings := input.gates.head
	latest := count(readings) - 1
}

# The commit that supersedes this job.
superseded_by := newer if {
	head.state == "superseded"
	newer := head.head
}

# These states are final and not a success. A context in another state, or without one, may still succeed.
failing_states := {"failure", "error", "cancelled", "canceled", "skipped"}

failing_contexts := [context | some context in input.gates.ci.contexts; context.state in failing_states]

pending_contexts := [context |
	some context in input.gates.ci.contexts
	not context_state(context) in (failing_states | {"success"})
]

# The last state of a context.
context_state(context) := object.get(context, "state", "missing")

# CI failed or is not known to be green.
is_ci_red if count(failing_contexts) > 0

is_ci_red if is_ci_missing

is_ci_missing if input.gates.ci.end != "answered"

is_ci_missing if {
	count(failing_contexts) == 0
	count(pending_contexts) > 0
}

is_ci_missing if count(input.gates.ci.contexts) == 0

# A gate stopped the rollout, or would stop it.
stopped if input.gates.plan_disabled

stopped if switch.state in {"armed", "unreadable"}

stopped if is_ci_red

stopped if {
	count(input.calls) == 0
	superseded_by
}
