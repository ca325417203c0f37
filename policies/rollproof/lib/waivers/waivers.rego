# METADATA
# title: Waivers
# description: >-
#   Which findings somebody has agreed to live with, and for how long. The day that counts is the rollout's own, so that
#   a replay gives the same verdict and a new waiver cannot whiten an old rollout.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.waivers

default given := []

given := list if list := data.rollproof.given.waivers

default unwaivable := []

# Codes that no waiver reaches, a glob neither.
unwaivable := codes if codes := data.rollproof.given.codes.unwaivable

# The rollout's day, in UTC.
date := substring(at, 0, 10) if {
	at := input.rollout.finished_at
} else := substring(at, 0, 10) if {
	at := input.rollout.started_at
} else := substring(at, 0, 10) if {
	at := input.provenance.collected_at
}

# By the index in `given`. Days are written so that their order is that of their text.
in_force contains i if {
	some i, waiver in given
	waiver.granted <= date
	date <= waiver.expires
}

# The tenants that each waiver in force covers.
covered := {i: tenants |
	some i in in_force
	named := {tenant | some tenant in object.get(given[i], "tenants", [])}
	labels := object.get(given[i], "labels", {})
	labelled := {tenant |
		count(labels) > 0
		some cohort in input.cohorts
		count({key | some key, value in labels; cohort.labels[key] == value}) == count(labels)
		some tenant in cohort.tenants
	}
	tenants := named | labelled
}

# The waivers in force that are meant for a code.
meant_for(code) := {i |
	not code in unwaivable
	some i in in_force
	glob.match(given[i].code, null, code)
}

# Which of some tenants are waived for a code: each with the first waiver that covers it.
applied(code, tenants) := {tenant: first |
	candidates := meant_for(code)
	count(candidates) > 0
	some tenant in tenants
	first := min({i | some i in candidates; tenant in covered[i]})
}

# The same for what a rule said: a finding, or a bare message, which is about no tenant.
applied_to(said) := tenants if {
	is_object(said)
	tenants := applied(object.get(said, "code", ""), object.get(said, "tenants", []))
}

applied_to(said) := {} if is_string(said)

# The codes, of those that policies declare, that each waiver given is meant for.
meant := [codes |
	some waiver in given
	codes := {code |
		some code in data.rollproof.given.codes.declared
		not code in unwaivable
		glob.match(waiver.code, null, code)
	}
]

default used := set()

# The waivers that some finding needed.
used := indices if indices := data.rollproof.query.used
