package rollproof.lib.gates_test

import data.rollproof.lib.gates

ci(end, contexts) := {"gates": {"ci": {"end": end, "contexts": contexts}}}

green := {"name": "test", "state": "success"}

red := {"name": "lint", "state": "cancelled"}

pending := {"name": "build", "state": "pending"}

missing := {"name": "deploy"}

test_latest_reading_decides if {
	readings := {"gates": {"switch": [{"state": "armed"}, {"state": "off"}], "head": [{"state": "latest"}, {"state": "superseded"}]}}
	gates.switch.state == "off" with input as readings
	gates.switch_index == 1 with input as readings
	gates.head.state == "superseded" with input as readings
	gates.head_index == 1 with input as readings
	not gates.stopped with input as object.union(readings, {"calls": [{}]})
}

test_no_reading_does_not_stop if {
	not gates.switch with input as {}
	not gates.head with input as {"gates": {}}
	not gates.is_ci_red with input as {"gates": {}}
	not gates.stopped with input as {"calls": []}
}

test_only_success_is_green if {
	not gates.is_ci_red with input as ci("answered", [green])
	gates.is_ci_red with input as ci("answered", [green, red])
	gates.is_ci_red with input as ci("answered", [green, pending])
	gates.is_ci_red with input as ci("answered", [missing])
}

test_failing_and_pending_contexts_are_separate if {
	document := ci("timed_out", [green, red, pending, missing])
	gates.failing_contexts == [red] with input as document
	gates.pending_contexts == [pending, missing] with input as document
	gates.context_state(missing) == "missing"
}

test_every_failing_state_fails if {
	every state in ["failure", "error", "cancelled", "canceled", "skipped"] {
		found := gates.failing_contexts with input as ci("answered", [{"name": "test", "state": state}])
		count(found) == 1
	}
}

test_missing_ci_is_red if {
	gates.is_ci_missing with input as ci("timed_out", [pending])
	gates.is_ci_missing with input as ci("unreadable", [green])
	gates.is_ci_missing with input as ci("answered", [])
	not gates.is_ci_missing with input as ci("answered", [red, pending])
}

test_each_gate_stops_the_rollout if {
	gates.stopped with input as {"gates": {"plan_disabled": "x"}}
	gates.stopped with input as {"gates": {"switch": [{"state": "armed"}]}}
	gates.stopped with input as {"gates": {"switch": [{"state": "unreadable"}]}}
	gates.stopped with input as ci("answered", [red])
	head := {"gates": {"head": [{"state": "superseded", "head": "1234567"}]}}
	gates.stopped with input as object.union(head, {"calls": []})
	not gates.stopped with input as object.union(head, {"calls": [{}]})
}
