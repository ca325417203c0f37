# METADATA
# title: Summary
# description: Computes the counts, the proof states and the reasons that a report shows.
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
	fleet.unwaived_count > 0
	not fleet.tolerance_exceeded
}

# Whether a tenant other than the canary is proven. If so, a tenant that is not proven is behind the others.
default fanned_out := false

fanned_out if {
	reached := fleet.asserted & proof.proven
	fleet.size(reached) > count([i | some i in reached; input.rollout.canary in input.cohorts[i].tenants])
}

# The stragglers that are waived and therefore not quarantined.
waived := object.keys(fleet.waived)

# What is missing in the proof of proven tenants, for each proof state that proves less than verified does.
default reservations := {"assumed": "their rows carry no verified_on_target"}

reservations := {"assumed": "its rows carry no verified_on_target"} if {
	fleet.size(fleet.asserted & proof.in_state("assumed")) == 1
}

# The progress of a rollout: how many tenants that calls named are proven, and how many are not.
progress := {"proven": proven, "not_proven": not_proven} if {
	not_proven := count(fleet.stragglers)
	proven := fleet.size(fleet.asserted) - not_proven
}

# The newer commit, if the job was superseded before its first call. Nothing is asserted then.
default superseded_by := null

superseded_by := newer if {
	count(input.calls) == 0
	newer := gates.superseded_by
}

# For each of input.cohorts, in order: its proof state, what follows from it, the reason, and the index of the deciding row.
# The reason is a list of texts, between which the image of the deciding row stands: cohorts that differ only in that image
# have the same one.
cohorts := [summary |
	proven := proof.proven
	straggling := fleet.straggling
	some i, state in proof.states
	summary := {
		"state": state,
		"proven": i in proven,
		"straggler": i in straggling,
		"reason": reason_for(state, i),
		"row": deciding_index(input.cohorts[i]),
	}
]

# The index of the deciding row. Without a live row, the last row shows the reason.
deciding_index(cohort) := 0 if {
	count(cohort.rows) == 1
} else := null if {
	count(cohort.rows) == 0
} else := at if {
	at := max([k | some k, row in cohort.rows; not proof.is_dry_run(row)])
} else := count(cohort.rows) - 1

# Why the cohort of an index, in this state, is not proven; empty if it is.
reason_for(state, i) := [] if {
	state in {"verified", "assumed"}
} else := [phrase] if {
	state == "unreached"
	phrase := unreached_text(calls.unreached_reason(input.cohorts[i]))
} else := ["only dry-run rows answer for it"] if {
	state == "dry_run"
} else := texts if {
	state == "off_target"
	texts := off_target_texts(proof.deciding_rows[i])
} else := [phrase] if {
	state == "errored"
	phrase := errored_text(proof.deciding_rows[i])
}

unreached_text("skipped") := skipped_text

unreached_text("not_called") := "not_called: the rollout ended before any call named it"

unreached_text("call_failed") := "call_failed: the call that named it failed, and no row answers for it"

unreached_text("in_flight") := "in_flight: the call that named it was never seen to end"

default skipped_text := "skipped: enumerated, but no row answers for it"

skipped_text := reason if {
	input.fleet.source == "file"
	some file in input.provenance.inputs
	file.role == "fleet"
	reason := sprintf("skipped: enumerated in %s, but no row answers for it", [file.name])
} else := "skipped: the archive names it as a straggler, and no row answers for it" if {
	input.fleet.source == "response"
} else := "skipped: a call named it, but no row answers for it" if {
	input.fleet.source == "plan_call"
}

off_target_texts(row) := [sprintf("verified_on_target is %v; runs ", [row.verified_on_target]), ""] if {
	row.verified_on_target in {false, null}
	text.is_nonblank(row.running_image)
} else := [sprintf("verified_on_target is %v", [row.verified_on_target])] if {
	row.verified_on_target in {false, null}
} else := ["runs ", sprintf(", not %s", [fleet.target])] if {
	row.running_image in proof.other_images
} else := ["its latest row lacks verified_on_target, and an earlier one says that it is not on the target"]

errored_text(row) := sprintf("reports %s, and nothing proves it", [concat(", ", failures)]) if {
	statuses := [reason | row.ssm_status in proof.failed_statuses; reason := sprintf("status %s", [row.ssm_status])]
	exit_codes := [reason | code := row.ssm_exit_code; not code in {0, null}; reason := sprintf("exit code %v", [code])]
	errors := ["an error" | text.is_nonblank(row.error)]
	failures := array.concat(array.concat(statuses, exit_codes), errors)
}
