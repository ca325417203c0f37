# METADATA
# title: Summary
# description: What a report counts and names.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.summary

import data.rollproof.lib.calls
import data.rollproof.lib.fleet
import data.rollproof.lib.gates
import data.rollproof.lib.proof
import data.rollproof.lib.text

tolerated := limit if limit := fleet.tolerated

default quarantined := false

quarantined if {
	fleet.behind > 0
	not fleet.exceeded
}

# Whether the rollout reached anybody but the canary: whoever is not proven is then behind the others.
default fanned_out := false

fanned_out if {
	reached := fleet.asserted & proof.proven
	fleet.size(reached) > count([i | some i in reached; input.rollout.canary in input.cohorts[i].tenants])
}

# Stragglers that are waived, and so are not quarantined.
waived := object.keys(fleet.waived)

# How far a rollout has come: the tenants that are proven, and those that are not although a call named them.
progress := {"proven": proven, "not_proven": not_proven} if {
	not_proven := count(fleet.stragglers)
	proven := fleet.size(fleet.asserted) - not_proven
}

# The newer commit, where the job was superseded before its first call: then nothing is asserted.
default superseded_by := null

superseded_by := newer if {
	count(input.calls) == 0
	newer := gates.superseded_by
}

# In the order of input.cohorts: the proof state, what follows from it, why, and which row counts.
cohorts := [summary |
	proven := proof.proven
	straggling := fleet.straggling
	some i, state in proof.states
	summary := {
		"state": state,
		"proven": i in proven,
		"straggler": i in straggling,
		"reason": object.get(reasons, i, ""),
		"row": object.get(positions, i, count(input.cohorts[i].rows) - 1),
	}
]

# Where the row that counts stands, if not last: the latest live one; where there is none, the last shows why.
positions := object.union(unreached_rows, rehearsed_rows) if {
	unreached_rows := {i: null | some i in proof.in_state.unreached}
	rehearsed_rows := {i: at |
		count(proof.dry_run_statuses) > 0
		some i, cohort in input.cohorts
		at := max([k | some k, row in cohort.rows; not proof.is_dry_run(row)])
	}
}

# Why cohorts are not proven.
reasons := object.union_n([skipped_or_not, rehearsed, off_targets, erroneous]) if {
	skipped_or_not := {i: words | some i in proof.in_state.unreached; words := unreached(calls.why_unreached(input.cohorts[i]))}
	rehearsed := {i: "only dry-run rows answer for it" | some i in proof.in_state.dry_run}
	counting := proof.counting
	off_targets := {i: words | some i in proof.in_state.off_target; words := off_target(counting[i])}
	erroneous := {i: words | some i in proof.in_state.errored; words := errored(counting[i])}
}

unreached("skipped") := skipped

unreached("not_called") := "not_called: the rollout ended before any call named it"

unreached("call_failed") := "call_failed: the call that named it failed, and no row answers for it"

unreached("in_flight") := "in_flight: the call that named it was never seen to end"

default skipped := "skipped: enumerated, but no row answers for it"

skipped := words if {
	input.fleet.source == "file"
	some file in input.provenance.inputs
	file.role == "fleet"
	words := sprintf("skipped: enumerated in %s, but no row answers for it", [file.name])
} else := "skipped: the archive names it as a straggler, and no row answers for it" if {
	input.fleet.source == "response"
} else := "skipped: a call named it, but no row answers for it" if {
	input.fleet.source == "plan_call"
}

off_target(row) := sprintf("verified_on_target is %v; runs %s", [row.verified_on_target, row.running_image]) if {
	row.verified_on_target in {false, null}
	text.is_given(row.running_image)
} else := sprintf("verified_on_target is %v", [row.verified_on_target]) if {
	row.verified_on_target in {false, null}
} else := sprintf("runs %s, not %s", [row.running_image, fleet.target]) if {
	row.running_image in proof.other_images
} else := "its latest row lacks verified_on_target, and an earlier one says that it is not on the target"

errored(row) := sprintf("reports %s, and nothing proves it", [concat(", ", failures)]) if {
	statuses := [words | row.ssm_status in proof.failed_statuses; words := sprintf("status %s", [row.ssm_status])]
	exit_codes := [words | code := row.ssm_exit_code; not code in {0, null}; words := sprintf("exit code %v", [code])]
	errors := ["an error" | text.is_given(row.error)]
	failures := array.concat(array.concat(statuses, exit_codes), errors)
}
