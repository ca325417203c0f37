# METADATA
# title: Gates
# description: The gates that must be open before the rollout starts, and the kill switch, which must be off before every call.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
package rollproof.gates

import data.rollproof.lib.gates
import data.rollproof.lib.text

# METADATA
# title: Disabled plan
# description: The plan is disabled, so no tenant was called.
# custom:
#   codes: [gates.disabled]
#   remedy: Undo what disabled the plan, then plan the rollout again.
deny contains finding if {
	reason := input.gates.plan_disabled
	finding := {
		"code": "gates.disabled",
		"message": sprintf("the plan is disabled: %s", [reason]),
		"at": "/gates/plan_disabled",
	}
}

# METADATA
# title: Armed kill switch
# description: The kill switch is armed, so no further call is made.
# custom:
#   codes: [gates.disabled]
#   remedy: Find out who armed it and why, then disarm it and roll out again.
deny contains finding if {
	gates.switch.state == "armed"
	variable := gates.switch.variable
	finding := {
		"code": "gates.disabled",
		"message": sprintf("the kill switch is armed: %s=%v", [variable, object.get(gates.switch, "value", "unknown")]),
		"at": sprintf("/gates/switch/%d", [gates.switch_index]),
	}
}

# METADATA
# title: Unreadable kill switch
# description: >-
#   It is not known whether the kill switch is armed, so no further call is made. Only HTTP 404 from a repository that the
#   token can read means that it is off.
# custom:
#   codes: [gates.switch_unreadable]
#   remedy: Give the job a GITEA_TOKEN that can read the repository's variables, and check that Gitea answers.
deny contains finding if {
	gates.switch.state == "unreadable"
	finding := {
		"code": "gates.switch_unreadable",
		"message": sprintf("the kill switch %s cannot be read: %s", [gates.switch.variable, problem_text(gates.switch.asked)]),
		"observed": gates.switch.asked,
		"at": sprintf("/gates/switch/%d", [gates.switch_index]),
	}
}

# METADATA
# title: Failed CI
# description: A required CI context ended without success.
# custom:
#   codes: [gates.ci_failed]
#   remedy: Fix the contexts that failed. Only a commit with green CI is rolled out.
deny contains finding if {
	count(gates.failing_contexts) > 0
	are := text.plural(count(gates.failing_contexts), "required CI context is", "required CI contexts are")
	finding := {
		"code": "gates.ci_failed",
		"message": sprintf("%s red: %s", [are, context_states(gates.failing_contexts)]),
		"observed": gates.failing_contexts,
		"expected": "success",
		"at": "/gates/ci",
	}
}

# METADATA
# title: Missing CI
# description: A required CI context did not end with success in time, or its status could not be read.
# custom:
#   codes: [gates.ci_missing]
#   remedy: Check that CI runs for this commit, and that the names of the contexts are spelled as in CI.
deny contains finding if {
	gates.is_ci_missing
	are := text.plural(count(gates.pending_contexts), "required CI context is", "required CI contexts are")
	finding := {
		"code": "gates.ci_missing",
		"message": sprintf("%s not known to be green%s%s", [are, pending_list, unreadable_note]),
		"observed": object.filter(input.gates.ci, ["contexts", "end", "asked"]),
		"expected": "success",
		"at": "/gates/ci",
	}
}

# METADATA
# title: Degraded kill switch
# description: The token may not read the kill switch, so the job's own value from its start was used.
# custom:
#   codes: [gates.switch_degraded]
#   remedy: Give the job a GITEA_TOKEN that can read the repository's variables. Without it, a running rollout cannot be stopped.
warn contains finding if {
	degraded := [reading | some reading in input.gates.switch; reading.source == "job"]
	count(degraded) > 0
	variable := degraded[0].variable
	finding := {
		"code": "gates.switch_degraded",
		"message": sprintf(
			"the kill switch %s is degraded: the job's own value counts, because the token may not read it (HTTP 403)",
			[variable],
		),
		"observed": {"readings": count(degraded)},
		"at": "/gates/switch",
	}
}

# METADATA
# title: Unreadable head
# description: It is not known whether the branch has a newer commit, so the rollout continues as if it had none.
# custom:
#   codes: [gates.head_unreadable]
#   remedy: Give the job a GITEA_TOKEN that can read the repository, and check that Gitea answers.
warn contains finding if {
	gates.head.state == "unreadable"
	finding := {
		"code": "gates.head_unreadable",
		"message": sprintf("the head of %s cannot be read: %s", [gates.head.branch, problem_text(gates.head.asked)]),
		"observed": gates.head.asked,
		"at": sprintf("/gates/head/%d", [gates.head_index]),
	}
}

# METADATA
# title: Superseded
# description: A newer commit is the branch's head, so this job leaves the rollout to the job of that commit.
# custom:
#   codes: [gates.superseded]
note contains finding if some finding in superseded

# METADATA
# title: Halt at a gate
# description: No tenant is called if the plan is disabled, the kill switch is not off, CI is not green or the job is superseded.
# custom:
#   codes: [gates.disabled, gates.switch_unreadable, gates.ci_failed, gates.ci_missing, gates.superseded]
halt contains finding if some finding in (deny | superseded)

superseded contains finding if {
	newer := gates.superseded_by
	finding := {
		"code": "gates.superseded",
		"message": sprintf("%s is at %s, which supersedes this job for %s", [gates.head.branch, newer, gates.head.sha]),
		"at": sprintf("/gates/head/%d", [gates.head_index]),
	}
}

problem_text(asked) := object.get(asked, "problem", "nobody says why")

context_states(contexts) := concat(", ", [state |
	some context in contexts
	state := sprintf("%s: %s", [context.name, gates.context_state(context)])
])

default pending_list := ""

pending_list := sprintf(": %s", [context_states(gates.pending_contexts)]) if count(gates.pending_contexts) > 0

default unreadable_note := ""

unreadable_note := note_text if {
	input.gates.ci.end == "unreadable"
	asked := input.gates.ci.asked
	note_text := sprintf("; the statuses cannot be read: %s", [problem_text(asked)])
}

not_applicable := "not asked" if not input.gates
