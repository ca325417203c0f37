# METADATA
# title: Proof
# description: >-
#   Computes the proof state of each cohort from its rows. The latest live row decides; a live row is one that is not from
#   a dry run. A row without verified_on_target is assumed to prove the target unless it reports a failure or another image.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.proof

import data.rollproof.lib.text

# The proof state of each cohort, in the order of input.cohorts.
states := [found | some i, rows in live; found := state_of(rows, input.cohorts[i])]

# The cohorts in a proof state, as indices into input.cohorts.
in_state(name) := {i | some i, found in states; found == name}

# The cohorts that are proven, as indices into input.cohorts.
proven contains i if {
	some i, found in states
	found in {"verified", "assumed"}
}

# The row that decides the proof state of each cohort that has one: its latest live row.
deciding_rows := {i: row | some i, rows in live; row := rows[count(rows) - 1]}

# The proof state of a cohort with these live rows: what the latest one says, unless the others speak against it.
state_of(rows, cohort) := "verified" if {
	# So it is with most: a call of row_state costs more than all of this.
	[row] := rows
	row.verified_on_target == true
} else := found if {
	[row] := rows
	found := row_state(row)
} else := found if {
	found := weighed(row_state(rows[count(rows) - 1]), rows)
} else := "dry_run" if {
	count(cohort.rows) > 0
} else := "unreached"

# The proof state that a live row gives on its own. verified_on_target is authoritative, and a null counts as false. A row
# without it, as older control planes send them, is assumed to prove the target unless it says otherwise.
row_state(row) := "verified" if {
	row.verified_on_target == true
} else := "off_target" if {
	row.verified_on_target in {false, null}
} else := "off_target" if {
	row.running_image in other_images
} else := "off_target" if {
	# A mapping looked for verified_on_target and did not find it.
	input.mapping.proof == "target"
} else := "errored" if {
	reports_failure(row)
} else := "errored" if {
	lacks_needed_field(row)
} else := "assumed"

# The proof state of a cohort with these live rows, the latest of which gives the state `latest`.
weighed(latest, rows) := "off_target" if {
	# A missing verified_on_target never overrides an earlier one that is not true.
	latest != "verified"
	is_denied(rows)
} else := "off_target" if {
	latest == "verified"
	is_disputed(rows)
} else := "errored" if {
	latest == "assumed"
	is_disputed(rows)
} else := latest

is_denied(rows) if {
	some row in rows
	row.verified_on_target in {false, null}
}

# Whether rows contradict each other and none is known to be the latest: a mapping reads them in the order in which another
# system lists them.
is_disputed(rows) if {
	input.mapping
	count(input.calls) == 0
	is_conflicting(rows)
}

# Whether rows give different proof states.
is_conflicting(rows) if {
	count(rows) > 1
	count({found | some row in rows; found := row_state(row)}) > 1
}

# The live rows of each cohort, in the order of input.cohorts. Mostly there are no others.
live := [cohort.rows | some cohort in input.cohorts] if {
	count(dry_run_statuses) == 0
} else := [live_rows(cohort) | some cohort in input.cohorts]

# The live rows of a cohort, in the order in which they arrived.
live_rows(cohort) := [row | some row in cohort.rows; not is_dry_run(row)]

is_dry_run(row) if row.ssm_status in dry_run_statuses

reports_failure(row) if {
	text.is_nonblank(row.error)
} else if {
	code := row.ssm_exit_code
	not code in {0, null}
} else if {
	row.ssm_status in failed_statuses
}

# Whether a mapping says that the status is all the proof there is.
by_status if input.mapping.proof == "status"

# Whether a row lacks a field that a mapping reads, where the status is all the proof there is: what is missing could have
# reported a failure.
lacks_needed_field(row) if {
	by_status
	some field in input.mapping.fields
	object.get(row, field, null) == null
}

# Many rows share a status or an image, so each distinct value is examined once.
row_statuses := {status | some cohort in input.cohorts; some row in cohort.rows; status := row.ssm_status}

dry_run_statuses := {status | some status in row_statuses; is_string(status); lower(trim_space(status)) == "dryrun"}

failed_statuses := {status |
	some status in row_statuses
	is_string(status)
	not lower(trim_space(status)) in successes
}

# The statuses of a success: the contract's, and the other usual word where a mapping reads what another system says.
default successes := {"success"}

successes := {"success", "succeeded"} if input.mapping

images := {image |
	some cohort in input.cohorts
	some row in cohort.rows
	image := row.running_image
	image != null
}

# The images with another tag than the target's. The tag is the text after the last colon of the last path segment, without
# a digest. An image without a tag, an image ID and a rollout without a target give no information.
other_images := {image |
	target := input.rollout.target_tag
	some image in (unlike_target - image_ids)
	path := split(split(image, "@")[0], "/")
	name := split(path[count(path) - 1], ":")
	count(name) > 1
	tag := name[count(name) - 1]
	not tag in {"", target}
}

# Most images plainly end with the target's tag: only the others are taken apart.
unlike_target := images - target_images

target_images := {image |
	target := input.rollout.target_tag
	not regex.match(`[:/@]`, target)
	ending := sprintf(":%s", [target])
	some image in images
	endswith(image, ending)
	not contains(image, "@")
}

# A regular expression costs more than the beginning of a text.
image_ids := {image |
	some image in unlike_target
	startswith(image, "sha")
	regex.match(`^sha(256|512):[0-9a-fA-F]+$`, image)
}
