# METADATA
# title: Freeze windows
# description: No rollout runs during a freeze window.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [rollout.started_at]
#   facts:
#     freeze:
#       description: 'the windows, a list of {"from", "to", "why"}, times in RFC 3339; it may be empty'
#   remedy: Wait until the window is over, or ask the owner of the calendar to change it.
package examples.freeze

# METADATA
# title: Rollout in a freeze window
# description: The rollout started before the end of a window and ended after its start.
# custom:
#   codes: [freeze.frozen]
deny contains finding if {
	not input.rollout.dry_run
	some i, window in windows
	started_ns < window.to
	finished_ns >= window.from
	finding := {
		"code": "freeze.frozen",
		"message": sprintf("the rollout fell into a freeze: %s", [window.why]),
		"observed": {"started_at": input.rollout.started_at},
		"expected": {"outside": object.filter(data.facts.freeze[i], ["from", "to"])},
		"at": "/rollout/started_at",
	}
}

# METADATA
# title: Unreadable calendar
# description: The calendar is not a list of windows, so it is not known whether there is a freeze.
# custom:
#   codes: [freeze.unreadable]
#   remedy: Fix the file that is given with --facts freeze=FILE.
deny contains finding if {
	not is_readable
	finding := {
		"code": "freeze.unreadable",
		"message": "the freeze calendar is not a list of windows with from, to and why",
	}
}

# METADATA
# title: Halt in a freeze window
# description: No tenant is called after a window has started, or if the calendar cannot be read.
# custom:
#   codes: [freeze.frozen, freeze.unreadable]
halt contains finding if some finding in deny

started_ns := at if at := time.parse_rfc3339_ns(input.rollout.started_at)

# If no call has ended, only the start is known.
finished_ns := at if {
	last := object.get(input.rollout, "finished_at", input.rollout.started_at)
	at := time.parse_rfc3339_ns(last)
}

windows := [window |
	is_readable
	some given in data.facts.freeze
	window := {
		"from": time.parse_rfc3339_ns(given.from),
		"to": time.parse_rfc3339_ns(given.to),
		"why": given.why,
	}
]

is_readable if {
	is_array(data.facts.freeze)
	every window in data.facts.freeze {
		is_string(window.from)
		is_string(window.to)
		is_string(window.why)
	}
}
