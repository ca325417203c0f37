# METADATA
# title: Lookalikes
# description: Computes what messages say of names that differ from a tenant of the fleet only in form.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.lookalikes

default known := []

known := list if list := input.fleet.lookalikes

# What to add to a message about the given names, some of which may look like a tenant of the fleet.
hint(names) := text if {
	count(known) > 0
	wanted := {name | some name in names}
	text := joined({sentence |
		some lookalike in known
		lookalike.name in wanted
		sentence := phrase(lookalike)
	})
} else := ""

# What to add to a message about the given tenants of the fleet, which other names may look like.
hint_of_tenants(tenants) := text if {
	count(known) > 0
	wanted := {tenant | some tenant in tenants}
	text := joined({sentence |
		some lookalike in known
		lookalike.tenant in wanted
		sentence := phrase(lookalike)
	})
} else := ""

# The tenants of the fleet that look like another tenant of the fleet.
in_fleet := [lookalike |
	count(known) > 0
	fleet := {tenant |
		some cohort in input.cohorts
		cohort.planned
		some tenant in cohort.tenants
	}
	some lookalike in known
	lookalike.name in fleet
]

phrase(lookalike) := text if {
	differences := concat(" and ", [word | some difference in lookalike.differs_in; word := words[difference]])
	text := sprintf("%s differs only in %s from %s", [lookalike.name, differences, lookalike.tenant])
}

words := {
	"case": "case",
	"white_space": "white space",
	"invisible_characters": "invisible characters",
	"unicode_form": "Unicode form",
}

# The first three phrases, and the number of the others.
joined(phrases) := "" if {
	count(phrases) == 0
} else := text if {
	count(phrases) <= 3
	text := sprintf("; %s", [concat("; ", sort(phrases))])
} else := text if {
	text := sprintf("; %s; and %d more look alike", [concat("; ", array.slice(sort(phrases), 0, 3)), count(phrases) - 3])
}
