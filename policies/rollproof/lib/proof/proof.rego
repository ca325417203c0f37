# METADATA
# title: Proof
# description: >-
#   What the rows of a tenant prove. A live row is one that is no dry run; the latest live row counts. A row that lacks
#   verified_on_target is an older control plane's: it proves what it reports, unless anything speaks against it.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.proof

import data.rollproof.lib.text

# Sets and objects are by the index in input.cohorts, and each is made once: there may be a million cohorts, and the
# engine evaluates a call anew every time.

# The live rows of each cohort, in the order in which they arrived.
live := [cohort.rows | some cohort in input.cohorts] if {
	count(dry_run_statuses) == 0
} else := [[row | some row in cohort.rows; not is_dry_run(row)] | some cohort in input.cohorts]

# The row that counts, of each cohort that has one: its latest live row.
counting := {i: row | some i, rows in live; row := rows[count(rows) - 1]}

# The cohorts in each proof state; every cohort is in one of them.
in_state := {
	"verified": verified,
	"assumed": assumed,
	"off_target": off_target,
	"errored": errored,
	"dry_run": dry_run,
	"unreached": unreached,
} if {
	# The key is authoritative: what is there and is not true is false, and a missing one never overrides that.
	verified := {i | some i, row in counting; row.verified_on_target == true}
	denied := {i | some i, rows in live; some row in rows; row.verified_on_target in {false, null}}
	off_target := (denied | on_other_image) - verified
	errored := (failing - verified) - off_target
	assumed := (({i | some i, _ in counting} - verified) - off_target) - errored
	unreached := {i | some i, cohort in input.cohorts; count(cohort.rows) == 0}
	dry_run := {i | some i, rows in live; count(rows) == 0} - unreached
}

# The proof state of each cohort, in the order of input.cohorts.
states := [state | some i, _ in input.cohorts; some state, indices in in_state; i in indices]

# The cohorts that are proven.
proven contains i if some i in (in_state.verified | in_state.assumed)

# The cohorts whose row that counts says anything of the target.
keyed contains i if {
	some i, row in counting
	row.verified_on_target in {true, false, null}
}

# The cohorts whose row that counts reports a failure.
failing contains i if {
	some i, row in counting
	reports_failure(row)
}

# The cohorts whose row that counts names another image than the target's.
on_other_image contains i if {
	some i, row in counting
	row.running_image in other_images
}

# What a live row would prove if there were no other.
row_state(row) := "verified" if {
	row.verified_on_target == true
} else := "off_target" if {
	row.verified_on_target in {false, null}
} else := "off_target" if {
	row.running_image in other_images
} else := "errored" if {
	reports_failure(row)
} else := "assumed"

is_dry_run(row) if row.ssm_status in dry_run_statuses

reports_failure(row) if {
	text.is_given(row.error)
} else if {
	code := row.ssm_exit_code
	not code in {0, null}
} else if {
	row.ssm_status in failed_statuses
}

# Words and images that many rows share are looked at once.
statuses := {status | some cohort in input.cohorts; some row in cohort.rows; status := row.ssm_status}

dry_run_statuses := {status | some status in statuses; is_string(status); lower(trim_space(status)) == "dryrun"}

failed_statuses := {status | some status in statuses; is_string(status); lower(trim_space(status)) != "success"}

images := {image | some cohort in input.cohorts; some row in cohort.rows; image := row.running_image}

# An image without a tag says nothing, and so does a rollout without a target.
other_images := {image | some image in images; is_string(image); tag(image) != input.rollout.target_tag}

# What follows the last colon behind the last slash, a digest cut off.
tag(image) := last if {
	path := split(split(image, "@")[0], "/")
	name := split(path[count(path) - 1], ":")
	count(name) > 1
	last := name[count(name) - 1]
	last != ""
}
