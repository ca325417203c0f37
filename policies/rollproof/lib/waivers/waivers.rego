# METADATA
# title: Waivers
# description: >-
#   Computes which findings are waived. Whether a waiver is in force depends on the day of the rollout, not on today, so
#   that evaluating a rollout again gives the same verdict, and a new waiver does not change an old rollout.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.waivers

default given := []

given := list if list := data.rollproof.given.waivers

default unwaivable := []

# The codes that cannot be waived, by a pattern neither.
unwaivable := codes if codes := data.rollproof.given.codes.unwaivable

# The rollout's day, in UTC.
rollout_day := substring(at, 0, 10) if {
	at := input.rollout.finished_at
} else := substring(at, 0, 10) if {
	at := input.rollout.started_at
} else := substring(at, 0, 10) if {
	at := input.provenance.collected_at
}

# The waivers in force, as indices into `given`. ISO dates compare correctly as text.
in_force contains i if {
	some i, waiver in given
	waiver.granted <= rollout_day
	rollout_day <= waiver.expires
}

# The tenants that each waiver in force covers.
covered_tenants := {i: tenants |
	some i in in_force
	named := {tenant | some tenant in object.get(given[i], "tenants", [])}
	matched := {tenant |
		some pattern in named
		contains(pattern, "*")
		some cohort in input.cohorts
		some tenant in cohort.tenants
		glob.match(pattern, null, tenant)
	}
	labels := object.get(given[i], "labels", {})
	labelled := {tenant |
		count(labels) > 0
		some cohort in input.cohorts
		count({key | some key, value in labels; cohort.labels[key] == value}) == count(labels)
		some tenant in cohort.tenants
	}
	tenants := (named | matched) | labelled
}

# The waivers in force that cover no tenant of the rollout.
for_nobody contains i if {
	some i, tenants in covered_tenants
	count([1 | some cohort in input.cohorts; some tenant in cohort.tenants; tenant in tenants]) == 0
}

# The waivers in force whose pattern matches a code.
in_force_for(code) := {i |
	not code in unwaivable
	some i in in_force
	glob.match(given[i].code, null, code)
}

# The tenants, of those given, that are waived for a code, each with the first waiver that covers it.
applied(code, tenants) := {tenant: first |
	matching := in_force_for(code)
	count(matching) > 0
	some tenant in tenants
	first := min({i | some i in matching; tenant in covered_tenants[i]})
}

# The same for the output of a rule: a finding, or a bare message, which concerns no tenant.
applied_to(output) := tenants if {
	is_object(output)
	tenants := applied(object.get(output, "code", ""), object.get(output, "tenants", []))
}

applied_to(output) := {} if is_string(output)

# For each given waiver, the declared codes that its pattern matches.
matched_codes := [codes |
	some waiver in given
	codes := {code |
		some code in data.rollproof.given.codes.declared
		not code in unwaivable
		glob.match(waiver.code, null, code)
	}
]

default used := set()

# The waivers that at least one finding needed.
used := indices if indices := data.rollproof.query.used
