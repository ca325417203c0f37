# METADATA
# title: Proof
# description: >-
#   What the rows of a tenant prove. A live row is one that is no dry run; the latest live row counts. A row that lacks
#   verified_on_target is an older control plane's: it proves what it reports, unless anything speaks against it.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.proof

# Sets and objects are by the index in input.cohorts, and each is made in one go: there may be a million cohorts, and a
# call costs the engine more than a comparison.

# The live rows of each cohort, in the order in which they arrived.
live := [cohort.rows | some cohort in input.cohorts] if {
	count(dry_run_statuses) == 0
} else := [[row | some row in cohort.rows; not is_dry_run(row)] | some cohort in input.cohorts]

# The row that counts, of each cohort that has one: its latest live row.
counting := {i: row | some i, rows in live; row := rows[count(rows) - 1]}

# The cohorts in each proof state; every cohort is in one of them.
in_state := {
	"verified": alone.verified,
	"assumed": assumed,
	"off_target": off_target,
	"errored": errored,
	"dry_run": dry_run,
	"unreached": unreached,
} if {
	# A missing key never overrides one that is not true.
	alone := proved(counting)
	denied := {i | some i, rows in live; some row in rows; row.verified_on_target in {false, null}} - alone.verified
	off_target := alone.off_target | denied
	errored := alone.errored - denied
	assumed := alone.assumed - denied
	unreached := {i | some i, cohort in input.cohorts; count(cohort.rows) == 0}
	dry_run := {i | some i, rows in live; count(rows) == 0} - unreached
}

# The proof state of each cohort, in the order of input.cohorts.
states := [state | some i, _ in input.cohorts; some state, indices in in_state; i in indices]

# The cohorts that are proven.
proven contains i if some i in (in_state.verified | in_state.assumed)

# The cohorts whose row that counts says anything of the target.
keyed := {i | some i, row in counting; row.verified_on_target in {true, false, null}}

# The cohorts whose live rows would each prove something else.
conflicting contains i if {
	several := {[i, k]: row | some i, rows in live; count(rows) > 1; some k, row in rows}
	by_state := {state: {key[0] | some key in keys} | some state, keys in proved(several)}
	some one, indices in by_state
	some other, others in by_state
	one < other
	some i in (indices & others)
}

# What live rows would prove if each were the only one: the keys of some rows by proof state.
proved(rows) := {"verified": verified, "off_target": off_target, "errored": errored, "assumed": assumed} if {
	# The key is authoritative: what is there and is not true is false.
	verified := {key | some key, row in rows; row.verified_on_target == true}
	denied := {key | some key, row in rows; row.verified_on_target in {false, null}}
	off_target := (denied | on_other_image(rows)) - verified
	errored := (failing(rows) - verified) - off_target
	assumed := (({key | some key, _ in rows} - verified) - off_target) - errored
}

# The keys of the rows that report a failure.
failing(rows) := (errors | exit_codes) | statuses if {
	errors := {key | some key, row in rows; is_string(row.error); trim_space(row.error) != ""}
	exit_codes := {key | some key, row in rows; code := row.ssm_exit_code; not code in {0, null}}
	statuses := {key | some key, row in rows; row.ssm_status in failed_statuses}
}

# The keys of the rows that name another image than the target's.
on_other_image(rows) := {key | some key, row in rows; row.running_image in other_images}

is_dry_run(row) if row.ssm_status in dry_run_statuses

# Words and images that many rows share are looked at once.
row_statuses := {status | some cohort in input.cohorts; some row in cohort.rows; status := row.ssm_status}

dry_run_statuses := {status | some status in row_statuses; is_string(status); lower(trim_space(status)) == "dryrun"}

failed_statuses := {status | some status in row_statuses; is_string(status); lower(trim_space(status)) != "success"}

images := {image | some cohort in input.cohorts; some row in cohort.rows; image := row.running_image}

# An image without a tag says nothing, and so do an image's id and a rollout without a target.
other_images := {image |
	some image in images
	is_string(image)
	not regex.match(`^sha(256|512):[0-9a-fA-F]+$`, image)
	tag(image) != input.rollout.target_tag
}

# What follows the last colon behind the last slash, a digest cut off.
tag(image) := last if {
	path := split(split(image, "@")[0], "/")
	name := split(path[count(path) - 1], ":")
	count(name) > 1
	last := name[count(name) - 1]
	last != ""
}
