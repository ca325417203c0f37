# LEAD (remove this line when read): the lead wrote these policies at 09:50, before yours were there, and overwrote yours by accident. Keep the files as they are NOW as the base: write tests, READMEs and .regal config for them; mend what you find wrong in place, small edits only. See /tmp/brief/NOTE.md.
# METADATA
# title: Proof
# description: >-
#   What the rows of a tenant prove. A live row is one that is no dry run; the latest live row counts. A row that lacks
#   verified_on_target is an older control plane's: it proves what it reports, unless anything speaks against it.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.proof

import data.rollproof.lib.text

# The proof state of each cohort, in the order of input.cohorts.
states := [state(cohort.rows) | some cohort in input.cohorts]

# The row that counts of each cohort; {} where there is none.
counting := [latest(live(cohort.rows)) | some cohort in input.cohorts]

default proves(_) := false

proves(state) if state in {"verified", "assumed"}

state(rows) := "unreached" if {
	count(rows) == 0
} else := live_state(live(rows))

live(rows) := [row | some row in rows; not is_dry_run(row)]

is_dry_run(row) if {
	is_string(row.ssm_status)
	lower(trim_space(row.ssm_status)) == "dryrun"
}

latest(rows) := {} if {
	count(rows) == 0
} else := rows[count(rows) - 1]

live_state(rows) := "dry_run" if {
	count(rows) == 0
} else := keyed_state(row) if {
	row := latest(rows)
	has_key(row)
} else := "off_target" if {
	some row in rows
	denies_key(row)
} else := unkeyed_state(latest(rows))

# The key is authoritative: what is there and is not true is false.
keyed_state(row) := "verified" if {
	row.verified_on_target == true
} else := "off_target"

unkeyed_state(row) := "off_target" if {
	runs_other_image(row)
} else := "errored" if {
	reports_failure(row)
} else := "assumed"

has_key(row) if "verified_on_target" in object.keys(row)

denies_key(row) if {
	has_key(row)
	not row.verified_on_target == true
}

reports_failure(row) if text.is_given(row.error)

reports_failure(row) if {
	is_number(row.ssm_exit_code)
	row.ssm_exit_code != 0
}

reports_failure(row) if {
	is_string(row.ssm_status)
	lower(trim_space(row.ssm_status)) != "success"
}

# An image without a tag says nothing, and so does a rollout without a target.
runs_other_image(row) if {
	is_string(row.running_image)
	tag(row.running_image) != input.rollout.target_tag
}

# What follows the last colon behind the last slash, a digest cut off.
tag(image) := last if {
	path := split(split(image, "@")[0], "/")
	name := split(path[count(path) - 1], ":")
	count(name) > 1
	last := name[count(name) - 1]
	last != ""
}
