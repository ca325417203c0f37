# METADATA
# title: Proof
# description: >-
#   Computes the proof state of each cohort from its rows. The latest live row decides; a live row is one that is not from
#   a dry run. A row without verified_on_target is assumed to prove the target unless it reports a failure or another image.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.proof

import data.rollproof.lib.text

# Sets hold indices into input.cohorts, and objects have them as keys. Each is computed in one comprehension: there may be
# a million cohorts, and a function call costs the engine more than a comparison.

# The live rows of each cohort, in the order in which they arrived.
live_rows := [cohort.rows | some cohort in input.cohorts] if {
	count(dry_run_statuses) == 0
} else := [[row | some row in cohort.rows; not is_dry_run(row)] | some cohort in input.cohorts]

# The row that decides the proof state of each cohort that has one: its latest live row.
deciding_rows := {i: row | some i, rows in live_rows; row := rows[count(rows) - 1]}

# The cohorts in each proof state; every cohort is in one of them.
in_state := {
	"verified": verified,
	"assumed": assumed,
	"off_target": off_target,
	"errored": errored,
	"dry_run": dry_run,
	"unreached": unreached,
} if {
	# A missing verified_on_target never overrides an earlier one that is not true.
	latest := keys_by_state(deciding_rows)
	not_true := {i | some i, rows in live_rows; some row in rows; row.verified_on_target in {false, null}} - latest.verified
	verified := latest.verified - disputed
	off_target := (latest.off_target | not_true) | (latest.verified & disputed)
	errored := (latest.errored - not_true) | ((latest.assumed - not_true) & disputed)
	assumed := (latest.assumed - not_true) - disputed
	unreached := {i | some i, cohort in input.cohorts; count(cohort.rows) == 0}
	dry_run := {i | some i, rows in live_rows; count(rows) == 0} - unreached
}

# The proof state of each cohort, in the order of input.cohorts.
states := [state | some i, _ in input.cohorts; some state, indices in in_state; i in indices]

# The cohorts that are proven.
proven contains i if some i in (in_state.verified | in_state.assumed)

# The cohorts whose deciding row has verified_on_target.
with_verified_on_target := {i | some i, row in deciding_rows; row.verified_on_target in {true, false, null}}

# The cohorts whose live rows give different proof states.
conflicting contains i if {
	repeated_rows := {[i, k]: row | some i, rows in live_rows; count(rows) > 1; some k, row in rows}
	by_state := {state: {key[0] | some key in keys} | some state, keys in keys_by_state(repeated_rows)}
	some one, indices in by_state
	some other, others in by_state
	one < other
	some i in (indices & others)
}

# The cohorts whose rows contradict each other where none is known to be the latest: a mapping reads them in the order in
# which another system lists them.
disputed contains i if {
	input.mapping
	count(input.calls) == 0
	some i in conflicting
}

# The keys of the given live rows by the proof state that each row gives on its own.
keys_by_state(rows) := {"verified": verified, "off_target": off_target, "errored": errored, "assumed": assumed} if {
	# verified_on_target is authoritative: a null counts as false.
	verified := {key | some key, row in rows; row.verified_on_target == true}
	not_true := {key | some key, row in rows; row.verified_on_target in {false, null}}
	off_target := ((not_true | on_other_image(rows)) | unbound(rows)) - verified
	errored := ((reporting_failure(rows) | lacking_fields(rows)) - verified) - off_target
	assumed := (({key | some key, _ in rows} - verified) - off_target) - errored
}

# The keys of the rows that report a failure.
reporting_failure(rows) := (errors | exit_codes) | statuses if {
	errors := {key | some key, row in rows; text.is_nonblank(row.error)}
	exit_codes := {key | some key, row in rows; code := row.ssm_exit_code; not code in {0, null}}
	statuses := {key | some key, row in rows; row.ssm_status in failed_statuses}
}

# The keys of the rows whose image has another tag than the target.
on_other_image(rows) := {key | some key, row in rows; row.running_image in other_images}

# A missing verified_on_target is for older control planes. Where a mapping reads the rows, it says itself what is proven.

# Whether a mapping says that the status is all the proof there is.
by_status if input.mapping.proof == "status"

# The keys of the rows without verified_on_target, where a mapping reads it in every row.
unbound(rows) := {key | input.mapping.proof == "target"; some key, _ in rows} - with_key if {
	with_key := {key | some key, row in rows; row.verified_on_target in {true, false, null}}
}

# The fields that a mapping reads and that a row must have, where the status is all the proof there is: a field that is
# missing could have reported a failure.
needed_fields := {field | by_status; some field in input.mapping.fields}

# The keys of the rows that lack such a field.
lacking_fields(rows) := {key |
	some field in needed_fields
	some key, row in rows
	object.get(row, field, null) == null
}

is_dry_run(row) if row.ssm_status in dry_run_statuses

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

images := {image | some cohort in input.cohorts; some row in cohort.rows; image := row.running_image}

# An image without a tag, an image ID and a rollout without a target give no information.
other_images := {image |
	some image in images
	is_string(image)
	not regex.match(`^sha(256|512):[0-9a-fA-F]+$`, image)
	tag(image) != input.rollout.target_tag
}

# The tag of an image: the text after the last colon of the last path segment, without a digest.
tag(image) := last if {
	path := split(split(image, "@")[0], "/")
	name := split(path[count(path) - 1], ":")
	count(name) > 1
	last := name[count(name) - 1]
	last != ""
}
