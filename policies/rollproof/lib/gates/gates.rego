# METADATA
# title: Gates
# description: What was read of the gates. Of several readings the latest counts.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.gates

# The kill switch, and where its reading stands.
switch := reading if reading := input.gates.switch[switch_index]

switch_index := latest if {
	readings := input.gates.switch
	latest := count(readings) - 1
}

# The branch's head, and where its reading stands.
head := reading if reading := input.gates.head[head_index]

head_index := latest if {
	readings := input.gates.head
	latest := count(readings) - 1
}

# The newer commit.
superseded_by := newer if {
	head.state == "superseded"
	newer := head.head
}

# Only `success` passes. A context may still pass while it is pending or has no state; every other state is final.
open_states := {"pending", ""}

failing_contexts := [context |
	some context in input.gates.ci.contexts
	state := context.state
	not state in (open_states | {"success"})
]

pending_contexts := [context |
	some context in input.gates.ci.contexts
	object.get(context, "state", "") in open_states
]

missing_contexts := [context.name |
	some context in input.gates.ci.contexts
	not context.state
]

# A context's last state in a word.
context_state(context) := object.get(context, "state", "missing")

# CI says no, or does not say yes.
is_ci_red if count(failing_contexts) > 0

is_ci_red if is_ci_missing

is_ci_missing if input.gates.ci.end == "unreadable"

is_ci_missing if {
	count(failing_contexts) == 0
	input.gates.ci.end != "answered"
}

is_ci_missing if {
	count(failing_contexts) == 0
	count(pending_contexts) > 0
}

is_ci_missing if count(input.gates.ci.contexts) == 0

# A gate stopped the rollout, or would.
stopped if input.gates.plan_disabled

stopped if switch.state in {"armed", "unreadable"}

stopped if is_ci_red

stopped if {
	count(input.calls) == 0
	superseded_by
}
