package rollproof.gates_test

import data.rollproof.gates

codes(findings) := {finding.code | some finding in findings}

messages(findings) := {finding.message | some finding in findings}

test_disabled_plan_denies if {
	findings := gates.deny with input as {"gates": {"plan_disabled": "PROD_AUTO_DEPLOY_DISABLED=true"}}
	codes(findings) == {"gates.disabled"}
	messages(findings) == {"the plan is disabled: PROD_AUTO_DEPLOY_DISABLED=true"}
}

test_no_reading_silent if {
	every document in [{}, {"gates": {}}] {
		count(gates.deny) == 0 with input as document
		count(gates.warn) == 0 with input as document
		count(gates.note) == 0 with input as document
		count(gates.halt) == 0 with input as document
	}
}

reading(state, more) := object.union({"state": state, "variable": "STOP", "source": "live", "asked": {"requests": 1}}, more)

switch(readings) := {"gates": {"switch": readings}}

test_armed_switch_denies_and_halts if {
	armed := switch([reading("off", {}), reading("armed", {"value": "yes"})])
	findings := gates.deny with input as armed
	codes(findings) == {"gates.disabled"}
	messages(findings) == {"the kill switch is armed: STOP=yes"}
	{finding.at | some finding in findings} == {"/gates/switch/1"}
	halts := gates.halt with input as armed
	codes(halts) == {"gates.disabled"}
}

test_armed_switch_without_a_value_denies if {
	findings := gates.deny with input as switch([reading("armed", {})])
	codes(findings) == {"gates.disabled"}
}

test_switch_off_again_silent if {
	off := switch([reading("armed", {"value": "yes"}), reading("off", {})])
	count(gates.deny) == 0 with input as off
	count(gates.halt) == 0 with input as off
	count(gates.warn) == 0 with input as off
}

test_unreadable_switch_denies_and_halts if {
	unreadable := switch([reading("unreadable", {"asked": {"problem": "HTTP 401"}})])
	findings := gates.deny with input as unreadable
	codes(findings) == {"gates.switch_unreadable"}
	messages(findings) == {"the kill switch STOP cannot be read: HTTP 401"}
	halts := gates.halt with input as unreadable
	codes(halts) == {"gates.switch_unreadable"}
}

test_unreadable_switch_without_a_reason_denies if {
	findings := gates.deny with input as switch([reading("unreadable", {})])
	codes(findings) == {"gates.switch_unreadable"}
}

test_degraded_switch_warned if {
	degraded := switch([reading("off", {"source": "job"}), reading("off", {"source": "job"})])
	findings := gates.warn with input as degraded
	codes(findings) == {"gates.switch_degraded"}
	some finding in findings
	contains(finding.message, "degraded")
	finding.observed == {"readings": 2}
	count(gates.deny) == 0 with input as degraded
}

test_degraded_armed_switch_denies if {
	findings := gates.deny with input as switch([reading("armed", {"source": "job", "value": "on"})])
	codes(findings) == {"gates.disabled"}
}

ci(end, contexts) := {"gates": {"ci": {"end": end, "contexts": contexts, "asked": {"problem": "HTTP 500"}}}}

green := {"name": "test", "state": "success"}

red := {"name": "lint", "state": "failure"}

pending := {"name": "build", "state": "pending"}

test_green_ci_silent if count(gates.deny) == 0 with input as ci("answered", [green])

test_failed_ci_message_has_each_context_and_state if {
	findings := gates.deny with input as ci("answered", [green, red, {"name": "e2e", "state": "skipped"}, pending])
	codes(findings) == {"gates.ci_failed"}
	messages(findings) == {"2 required CI contexts are red: lint: failure, e2e: skipped"}
	halts := gates.halt with input as ci("answered", [red])
	codes(halts) == {"gates.ci_failed"}
}

test_missing_ci_message_has_each_context_and_state if {
	findings := gates.deny with input as ci("timed_out", [green, pending, {"name": "deploy"}])
	codes(findings) == {"gates.ci_missing"}
	messages(findings) == {"2 required CI contexts are not known to be green: build: pending, deploy: missing"}
}

test_unreadable_ci_message_has_reason if {
	findings := gates.deny with input as ci("unreadable", [pending])
	messages(findings) == {"1 required CI context is not known to be green: build: pending; the statuses cannot be read: HTTP 500"}
}

test_ci_without_contexts_denied if {
	findings := gates.deny with input as ci("answered", [])
	codes(findings) == {"gates.ci_missing"}
}

head(state, more) := {"calls": [], "gates": {"head": [object.union(
	{"state": state, "branch": "main", "sha": "abcdef1", "asked": {"problem": "HTTP 404"}},
	more,
)]}}

test_latest_head_silent if {
	latest := head("latest", {"head": "abcdef1"})
	count(gates.note) == 0 with input as latest
	count(gates.halt) == 0 with input as latest
}

test_superseded_halts_without_denial if {
	superseded := head("superseded", {"head": "1234567"})
	notes := gates.note with input as superseded
	codes(notes) == {"gates.superseded"}
	messages(notes) == {"main is at 1234567, which supersedes this job for abcdef1"}
	halts := gates.halt with input as superseded
	codes(halts) == {"gates.superseded"}
	count(gates.deny) == 0 with input as superseded
}

test_unreadable_head_warned_without_halt if {
	unreadable := head("unreadable", {})
	findings := gates.warn with input as unreadable
	codes(findings) == {"gates.head_unreadable"}
	messages(findings) == {"the head of main cannot be read: HTTP 404"}
	count(gates.halt) == 0 with input as unreadable
	count(gates.deny) == 0 with input as unreadable
}

test_not_applicable_where_no_gate_was_asked if {
	gates.not_applicable == "not asked" with input as {}
	not gates.not_applicable with input as {"gates": {}}
}
