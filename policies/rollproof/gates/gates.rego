# METADATA
# title: Gates
# description: What has to hold before anything is rolled out, and the kill switch before every call.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
package rollproof.gates

import data.rollproof.lib.gates
import data.rollproof.lib.text

# METADATA
# title: Disabled
# description: The plan is disabled, so nothing was called.
# custom:
#   codes: [gates.disabled]
#   remedy: Take back what disabled it, and plan the rollout anew.
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
#   remedy: Find out who armed it and why; then disarm it, and roll out again.
deny contains finding if {
	gates.switch.state == "armed"
	variable := gates.switch.variable
	finding := {
		"code": "gates.disabled",
		"message": sprintf("the kill switch%s is armed: %s=%v", [whose, variable, object.get(gates.switch, "value", "unknown")]),
		"at": sprintf("/gates/switch/%d", [gates.switch_index]),
	}
}

# METADATA
# title: Unreadable kill switch
# description: >-
#   Nobody knows whether the kill switch is armed, so no further call is made. Only a 404 says that it is not, of a
#   repository and an owner that the token can read.
# custom:
#   codes: [gates.switch_unreadable]
#   remedy: >-
#     Give the job a GITEA_TOKEN that can read the variables of the repository and of its owner, and see that the Gitea
#     answers.
deny contains finding if {
	gates.switch.state == "unreadable"
	not gates.switch.value
	some finding in unreadable_switch
}

# METADATA
# title: Unknown word in the kill switch
# description: The kill switch holds a word that means neither on nor off, so no further call is made.
# custom:
#   codes: [gates.switch_unreadable]
#   remedy: Set the variable to a word for on or for off, or delete it; then roll out again.
deny contains finding if {
	gates.switch.state == "unreadable"
	gates.switch.value
	some finding in unreadable_switch
}

# METADATA
# title: Failed CI
# description: A required CI context ended, and not with success. Every state but pending is an end.
# custom:
#   codes: [gates.ci_failed]
#   remedy: Mend what failed; a commit that is not green is not rolled out.
deny contains finding if {
	count(gates.failing_contexts) > 0
	are := text.plural(count(gates.failing_contexts), "required CI context is", "required CI contexts are")
	finding := {
		"code": "gates.ci_failed",
		"message": sprintf("%s red: %s", [are, states(gates.failing_contexts)]),
		"observed": gates.failing_contexts,
		"expected": "success",
		"at": "/gates/ci",
	}
}

# METADATA
# title: Missing CI
# description: A required CI context did not end with success in time, or nobody could read whether it did.
# custom:
#   codes: [gates.ci_missing]
#   remedy: See whether CI runs for this commit, and whether the contexts are spelt as CI spells them.
deny contains finding if {
	gates.is_ci_missing
	are := text.plural(count(gates.pending_contexts), "required CI context is", "required CI contexts are")
	finding := {
		"code": "gates.ci_missing",
		"message": sprintf("%s not known to be green%s%s%s%s", [are, listed, unreadable, present, patterns]),
		"observed": object.filter(input.gates.ci, ["contexts", "present", "end", "asked"]),
		"expected": "success",
		"at": "/gates/ci",
	}
}

# METADATA
# title: Degraded kill switch
# description: The token may not read the kill switch, so the job's own value counted, as it was when the job began.
# custom:
#   codes: [gates.switch_degraded]
#   remedy: >-
#     Give the job a GITEA_TOKEN that can read the variables of the repository and of its owner; else nobody can stop a
#     rollout.
warn contains finding if {
	degraded := [reading | some reading in input.gates.switch; reading.source == "job"; reading.asked.status == 403]
	count(degraded) > 0
	variable := degraded[0].variable
	finding := {
		"code": "gates.switch_degraded",
		"message": sprintf(
			"the kill switch %s is degraded: the job's own value counts, because the token may not read %s (HTTP 403)",
			[variable, unread(degraded[0])],
		),
		"observed": {"readings": count(degraded)},
		"at": "/gates/switch",
	}
}

# METADATA
# title: Unreadable head
# description: Nobody knows whether a newer commit has taken the branch's head, which counts as if none had.
# custom:
#   codes: [gates.head_unreadable]
#   remedy: Give the job a GITEA_TOKEN that can read the repository, and see that the Gitea answers.
warn contains finding if {
	gates.head.state == "unreadable"
	finding := {
		"code": "gates.head_unreadable",
		"message": sprintf("the head of %s cannot be read: %s", [gates.head.branch, problem(gates.head.asked)]),
		"observed": gates.head.asked,
		"at": sprintf("/gates/head/%d", [gates.head_index]),
	}
}

# METADATA
# title: Superseded
# description: A newer commit has taken the branch's head, so this job leaves the rollout to that commit's.
# custom:
#   codes: [gates.superseded]
note contains finding if some finding in superseded

# METADATA
# title: Halt at a gate
# description: A kill switch that is armed or unreadable, CI that is not green, and a newer commit stop everything behind them.
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

unreadable_switch contains finding if {
	finding := {
		"code": "gates.switch_unreadable",
		"message": sprintf("the kill switch %s%s cannot be read: %s", [gates.switch.variable, whose, problem(gates.switch.asked)]),
		"observed": gates.switch.asked,
		"at": sprintf("/gates/switch/%d", [gates.switch_index]),
	}
}

# Whose variable it was, where it was not the repository's.
default whose := ""

whose := sprintf(" of the owner %s", [gates.switch.owner]) if gates.switch.owner

whose := " of the job itself" if {
	not gates.switch.owner
	gates.switch.source == "job"
}

unread(reading) := sprintf("that of the owner %s", [reading.owner]) if reading.owner

unread(reading) := "it" if not reading.owner

problem(asked) := object.get(asked, "problem", "nobody says why")

states(contexts) := concat(", ", [sprintf("%s: %s", [context.name, gates.context_state(context)]) | some context in contexts])

default listed := ""

listed := sprintf(": %s", [states(gates.pending_contexts)]) if count(gates.pending_contexts) > 0

# What the commit has instead of what is missing, nearest first.
default present := ""

present := others_listed if {
	count(gates.missing_contexts) > 0
	others := input.gates.ci.present
	count(others) > 0
	others_listed := sprintf("; what is missing may be misspelt: the commit has %s", [text.names(others)])
}

# Somebody took a name for a pattern.
default patterns := ""

patterns := "; `*` is no pattern, so each context is named in full" if {
	some name in gates.missing_contexts
	contains(name, "*")
}

default unreadable := ""

unreadable := words if {
	input.gates.ci.end == "unreadable"
	asked := input.gates.ci.asked
	words := sprintf("; the statuses cannot be read: %s", [problem(asked)])
}

not_applicable := "not asked" if not input.gates
