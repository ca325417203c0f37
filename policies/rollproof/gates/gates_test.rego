package rollproof.gates_test

import data.rollproof.gates

codes(findings) := {finding.code | some finding in findings}

messages(findings) := {finding.message | some finding in findings}

test_disabled_plan_denies if {
	findings := gates.deny with input as {"gates": {"plan_disabled": "PROD_AUTO_DEPLOY_DISABLED=true"}}
	codes(findings) == {"gates.disabled"}
	messages(findings) == {"the plan is disabled: PROD_AUTO_DEPLOY_DISABLED=true"}
}

test_nothing_read_says_nothing if {
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

test_switch_that_is_off_again_says_nothing if {
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

forbidden := {"source": "job", "asked": {"status": 403}}

test_degraded_switch_is_warned_about_loudly if {
	degraded := switch([reading("off", forbidden), reading("off", forbidden)])
	findings := gates.warn with input as degraded
	codes(findings) == {"gates.switch_degraded"}
	some finding in findings
	contains(finding.message, "degraded")
	finding.observed == {"readings": 2}
	count(gates.deny) == 0 with input as degraded
}

test_degraded_switch_of_an_owner_is_named if {
	findings := gates.warn with input as switch([reading("off", object.union(forbidden, {"owner": "shop"}))])
	some finding in findings
	contains(finding.message, "may not read that of the owner shop (HTTP 403)")
}

test_switch_armed_by_the_job_denies_and_is_not_degraded if {
	armed := switch([reading("armed", {"source": "job", "value": "on"})])
	findings := gates.deny with input as armed
	messages(findings) == {"the kill switch of the job itself is armed: STOP=on"}
	count(gates.warn) == 0 with input as armed
}

test_switch_armed_by_the_owner_is_named if {
	findings := gates.deny with input as switch([reading("armed", {"owner": "shop", "value": "on"})])
	messages(findings) == {"the kill switch of the owner shop is armed: STOP=on"}
}

test_unknown_word_denies_and_halts if {
	asked := {"asked": {"status": 200, "problem": "it holds \"yess\""}, "value": "yess"}
	unknown := switch([reading("unreadable", asked)])
	findings := gates.deny with input as unknown
	codes(findings) == {"gates.switch_unreadable"}
	messages(findings) == {"the kill switch STOP cannot be read: it holds \"yess\""}
	count(gates.halt) == 1 with input as unknown
	owners := gates.deny with input as switch([reading("unreadable", object.union(asked, {"owner": "shop"}))])
	messages(owners) == {"the kill switch STOP of the owner shop cannot be read: it holds \"yess\""}
}

ci(end, contexts) := {"gates": {"ci": {"end": end, "contexts": contexts, "asked": {"problem": "HTTP 500"}}}}

green := {"name": "test", "state": "success"}

red := {"name": "lint", "state": "failure"}

pending := {"name": "build", "state": "pending"}

test_green_ci_says_nothing if count(gates.deny) == 0 with input as ci("answered", [green])

test_failed_ci_names_each_context_and_its_state if {
	findings := gates.deny with input as ci("answered", [green, red, {"name": "e2e", "state": "skipped"}, pending])
	codes(findings) == {"gates.ci_failed"}
	messages(findings) == {"2 required CI contexts are red: lint: failure, e2e: skipped"}
	halts := gates.halt with input as ci("answered", [red])
	codes(halts) == {"gates.ci_failed"}
}

test_missing_ci_names_each_context_and_its_state if {
	findings := gates.deny with input as ci("timed_out", [green, pending, {"name": "deploy"}])
	codes(findings) == {"gates.ci_missing"}
	messages(findings) == {"2 required CI contexts are not known to be green: build: pending, deploy: missing"}
}

test_contexts_of_the_commit_are_named_where_one_is_missing if {
	missing := {"gates": {"ci": {"end": "timed_out", "contexts": [{"name": "deploy"}], "present": ["deploys", "lint"], "asked": {}}}}
	findings := gates.deny with input as missing
	messages(findings) == {concat("", [
		"1 required CI context is not known to be green: deploy: missing",
		"; what is missing may be misspelt: the commit has deploys, lint",
	])}
}

test_a_pattern_is_none if {
	findings := gates.deny with input as ci("timed_out", [{"name": "ci / *"}, {"name": "ci / a*", "state": "pending"}])
	messages(findings) == {concat("", [
		"2 required CI contexts are not known to be green: ci / *: missing, ci / a*: pending",
		"; `*` is no pattern, so each context is named in full",
	])}
}

test_unreadable_ci_says_why if {
	findings := gates.deny with input as ci("unreadable", [pending])
	messages(findings) == {"1 required CI context is not known to be green: build: pending; the statuses cannot be read: HTTP 500"}
}

test_no_context_at_all_is_denied if {
	findings := gates.deny with input as ci("answered", [])
	codes(findings) == {"gates.ci_missing"}
}

head(state, more) := {"calls": [], "gates": {"head": [object.union(
	{"state": state, "branch": "main", "sha": "abcdef1", "asked": {"problem": "HTTP 404"}},
	more,
)]}}

test_latest_head_says_nothing if {
	latest := head("latest", {"head": "abcdef1"})
	count(gates.note) == 0 with input as latest
	count(gates.halt) == 0 with input as latest
}

test_superseded_halts_and_does_not_deny if {
	superseded := head("superseded", {"head": "1234567"})
	notes := gates.note with input as superseded
	codes(notes) == {"gates.superseded"}
	messages(notes) == {"main is at 1234567, which supersedes this job for abcdef1"}
	halts := gates.halt with input as superseded
	codes(halts) == {"gates.superseded"}
	count(gates.deny) == 0 with input as superseded
}

test_unreadable_head_is_warned_about_and_halts_nothing if {
	unreadable := head("unreadable", {})
	findings := gates.warn with input as unreadable
	codes(findings) == {"gates.head_unreadable"}
	messages(findings) == {"the head of main cannot be read: HTTP 404"}
	count(gates.halt) == 0 with input as unreadable
	count(gates.deny) == 0 with input as unreadable
}

test_not_applicable_where_no_gate_was_asked if {
	gates.not_applicable == "not asked" with input as {"rollout": {"dry_run": false}}
	not gates.not_applicable with input as {"gates": {"plan_disabled": "x"}}
}
