# METADATA
# title: Lag
# description: >-
#   No failed rollout was called green, and no tenant is behind for longer than allowed. This policy evaluates audits.
# schemas:
#   - input: schema["audit.schema"]
# custom:
#   params:
#     behind_for:
#       type: number
#       default: 24
#       minimum: 0
#       description: For how many hours a tenant may be behind.
#     quarantined_running:
#       type: integer
#       default: 3
#       minimum: 1
#       description: How many rollouts in a row must quarantine a tenant before it is denied.
#     flapping:
#       type: integer
#       default: 3
#       minimum: 1
#       description: How many times a tenant must fall behind again to be reported as flapping.
#   remedy: Redeploy these tenants, and check that their rows have verified_on_target true.
package rollproof.lag

import data.rollproof.lib.params
import data.rollproof.lib.text

allowed_seconds := params.value("behind_for", 24) * 3600

asserted_rollouts := {i | some i, rollout in input.rollouts; rollout.decision != "not_asserted"}

# The rollouts that were called green, got the given decision and have a row for every tenant of the rollouts around them.
complete_green(decision) := [rollout |
	some rollout in input.rollouts
	rollout.called == "green"
	rollout.decision == decision
	not rollout.missing
]

# One finding for all rollouts that were called green and got the given decision.
called_green(rollouts, code, one, many) := {finding |
	count(rollouts) > 0
	tenants := {tenant |
		some rollout in rollouts
		some reason in rollout.because
		some tenant in reason.tenants
	}
	finding := {
		"code": code,
		"message": text.plural(
			count(rollouts),
			sprintf("rollout was called green and %s", [one]),
			sprintf("rollouts were called green and %s", [many]),
		),
		"tenants": tenants,
		"observed": [rollout.archive | some rollout in rollouts],
	}
}

# The tenants of the fleet that are behind now: their index in input.tenants, and since when they are.
open_spans := {i: open |
	some i, tenant in input.tenants
	in_fleet(tenant)
	some open in tenant.behind
	is_open(open)
}

in_fleet(tenant) if not tenant.gone_since

is_open(span) if not span.until

behind_too_long := {i |
	some i, open in open_spans
	open.seconds > allowed_seconds
	not open.waived
}

# Seconds in minutes, hours and minutes, or from two days on in days and hours.
duration(seconds) := sprintf("%v min", [floor(seconds / 60)]) if seconds < 3600

duration(seconds) := sprintf("%v d", [days]) if {
	seconds >= 172800
	days := floor(seconds / 86400)
	floor(seconds / 3600) == days * 24
}

duration(seconds) := sprintf("%v d %v h", [days, hours]) if {
	seconds >= 172800
	days := floor(seconds / 86400)
	hours := floor(seconds / 3600) - (days * 24)
	hours > 0
}

duration(seconds) := sprintf("%v h", [hours]) if {
	seconds >= 3600
	seconds < 172800
	hours := floor(seconds / 3600)
	floor(seconds / 60) == hours * 60
}

duration(seconds) := sprintf("%v h %v min", [hours, minutes]) if {
	seconds >= 3600
	seconds < 172800
	hours := floor(seconds / 3600)
	minutes := floor(seconds / 60) - (hours * 60)
	minutes > 0
}

# METADATA
# title: Nothing to evaluate
# description: No archived rollout asserts anything, so nothing was checked.
# custom:
#   codes: [lag.nothing_judged]
#   remedy: Give the folder that holds the archives, or look further back with --since.
deny contains finding if {
	count(asserted_rollouts) == 0
	finding := {
		"code": "lag.nothing_judged",
		"message": sprintf("no archived rollout asserts anything, of %d that were read", [count(input.rollouts)]),
	}
}

# METADATA
# title: False green
# description: These rollouts were called green when they were made, and the policies deny them.
# custom:
#   codes: [lag.false_green]
#   remedy: >-
#     Find the tenants that each rollout left behind with `rollproof explain`, and redeploy them. Run rollproof before a
#     rollout is called green.
deny contains finding if {
	failed := [rollout | some rollout in input.rollouts; rollout.called == "green"; rollout.decision == "fail"]
	some finding in called_green(failed, "lag.false_green", "was not", "were not")
}

# METADATA
# title: False green without a row
# description: These rollouts were called green, and no row of theirs answers for tenants that the rollouts around them have.
# custom:
#   codes: [lag.false_green]
#   remedy: >-
#     Find out why these tenants were not answered for, and redeploy them. Archive the fleet beside each response: an
#     enumeration says who was to be reached.
deny contains finding if {
	rollouts := [rollout |
		some rollout in input.rollouts
		rollout.called == "green"
		rollout.decision != "fail"
		rollout.missing
	]
	count(rollouts) > 0
	tenants := {tenant | some rollout in rollouts; some tenant in rollout.missing}
	finding := {
		"code": "lag.false_green",
		"message": sprintf("%s called green without a row for %s that earlier and later rollouts have", [
			text.plural(count(rollouts), "rollout was", "rollouts were"),
			text.plural(count(tenants), "tenant", "tenants"),
		]),
		"tenants": tenants,
		"observed": [rollout.archive | some rollout in rollouts],
	}
}

# METADATA
# title: Vanished without a word
# description: No row answers for these tenants any more, and no enumeration of the fleet leaves them out.
# custom:
#   codes: [lag.vanished]
#   remedy: >-
#     Check that these tenants were meant to leave, and give the fleet without them as --fleet or beside the responses. A
#     tenant that is no longer answered for is left behind unnoticed.
deny contains finding if {
	tenants := {tenant.tenant | some tenant in input.tenants; tenant.missing_since}
	count(tenants) > 0
	were := text.plural(count(tenants), "tenant was", "tenants were")
	finding := {
		"code": "lag.vanished",
		"message": sprintf("%s in earlier rollouts and in none of the latest, and nobody enumerated the fleet", [were]),
		"tenants": tenants,
	}
}

# METADATA
# title: Behind for too long
# description: These tenants are not proven on the build that others of their fleet run, for longer than behind_for.
# custom:
#   codes: [lag.behind]
deny contains finding if {
	count(behind_too_long) > 0
	finding := {
		"code": "lag.behind",
		"message": sprintf("%s behind for more than %s, the longest for %s", [
			text.tenants_are(count(behind_too_long)),
			duration(allowed_seconds),
			duration(max([open_spans[i].seconds | some i in behind_too_long])),
		]),
		"tenants": [input.tenants[i].tenant | some i in behind_too_long],
	}
}

# METADATA
# title: Quarantined repeatedly
# description: At least quarantined_running rollouts in a row quarantined these tenants.
# custom:
#   codes: [lag.quarantined]
#   remedy: Repair these tenants, or waive them with a reason, an owner and an expiry date.
deny contains finding if {
	limit := params.value("quarantined_running", 3)
	named := [tenant |
		some tenant in input.tenants
		in_fleet(tenant)
		tenant.quarantined_running >= limit
	]
	count(named) > 0
	finding := {
		"code": "lag.quarantined",
		"message": sprintf("%s quarantined in %s or more in a row", [
			text.tenants_are(count(named)),
			text.plural(limit, "rollout", "rollouts"),
		]),
		"tenants": {tenant.tenant | some tenant in named},
	}
}

# METADATA
# title: Unproven green
# description: These rollouts were called green when they were made, and their evidence is inconclusive.
# custom:
#   codes: [lag.unproven_green]
#   remedy: Archive the plan call's answer beside each response, under a name that pairs the two.
inconclusive contains finding if {
	some finding in called_green(complete_green("inconclusive"), "lag.unproven_green", "cannot be proven", "cannot be proven")
}

# METADATA
# title: Mixed fleets
# description: >-
#   Among rollouts that nothing tells apart, there are fleets that hardly overlap. They are probably of several environments,
#   so nobody is said to be missing in the rollouts of another fleet than its own.
# custom:
#   codes: [lag.mixed_fleets]
#   remedy: >-
#     Tell the environments apart with --group-by, or in the file of --times. If it is one environment, check that all of
#     its tenants were meant to be replaced.
inconclusive contains finding if {
	some group in input.groups
	first_archives := [fleet.archive | some fleet in group.fleets]
	count(first_archives) > 1
	finding := {
		"code": "lag.mixed_fleets",
		"message": sprintf("%d fleets hardly overlap, and nothing tells their rollouts apart: %s", [
			count(first_archives),
			text.names(first_archives),
		]),
		"observed": first_archives,
	}
}

# METADATA
# title: Behind
# description: These tenants are not proven on the build that others of their fleet run, within behind_for or waived.
# custom:
#   codes: [lag.behind_within]
warn contains finding if {
	within := {i | some i, _ in open_spans} - behind_too_long
	count(within) > 0
	finding := {
		"code": "lag.behind_within",
		"message": sprintf("%s behind, within %s or waived", [
			text.tenants_are(count(within)),
			duration(allowed_seconds),
		]),
		"tenants": [input.tenants[i].tenant | some i in within],
	}
}

# METADATA
# title: Behind for too long in the past
# description: These tenants were behind for longer than behind_for, and have caught up.
# custom:
#   codes: [lag.was_behind]
#   remedy: Nothing is left to do for these tenants. Find out why nobody noticed that they were behind.
warn contains finding if {
	ended := [span |
		some tenant in input.tenants
		some closed in tenant.behind
		closed.until
		closed.seconds > allowed_seconds
		span := {"tenant": tenant.tenant, "seconds": closed.seconds}
	]
	count(ended) > 0
	tenants := {span.tenant | some span in ended}
	finding := {
		"code": "lag.was_behind",
		"message": sprintf("%s once behind for more than %s, the longest for %s", [
			text.plural(count(tenants), "tenant was", "tenants were"),
			duration(allowed_seconds),
			duration(max([span.seconds | some span in ended])),
		]),
		"tenants": tenants,
	}
}

# METADATA
# title: Flapping
# description: These tenants were proven and fell behind again, at least as many times as flapping says.
# custom:
#   codes: [lag.flapping]
#   remedy: Check the hosts of these tenants. Something restores the old build.
warn contains finding if {
	limit := params.value("flapping", 3)
	tenants := {tenant.tenant | some tenant in input.tenants; tenant.falls >= limit}
	count(tenants) > 0
	finding := {
		"code": "lag.flapping",
		"message": sprintf("%s fallen behind again, at least %s", [
			text.plural(count(tenants), "tenant has", "tenants have"),
			text.plural(limit, "time", "times"),
		]),
		"tenants": tenants,
	}
}

# METADATA
# title: Vanished
# description: These tenants were in the fleet, and its latest rollouts did not enumerate them.
# custom:
#   codes: [lag.vanished]
#   remedy: Check that these tenants were meant to leave. A tenant that is no longer enumerated can be left behind unnoticed.
warn contains finding if {
	tenants := {tenant.tenant | some tenant in input.tenants; tenant.gone_since}
	count(tenants) > 0
	finding := {
		"code": "lag.vanished",
		"message": sprintf("%s in the fleet and is enumerated no more", [text.plural(count(tenants), "tenant was", "tenants were")]),
		"tenants": tenants,
	}
}

# METADATA
# title: Canary never in the fleet
# description: These canaries were in no fleet of any rollout, so no tenant was rolled out first.
# custom:
#   codes: [lag.canary_never_in_fleet]
#   remedy: Correct the canary's slug in the plan.
warn contains finding if {
	named := {rollout.canary | some rollout in input.rollouts; rollout.canary_in_fleet == false}
	found := {rollout.canary | some rollout in input.rollouts; rollout.canary_in_fleet == true}
	never := named - found
	count(never) > 0
	finding := {
		"code": "lag.canary_never_in_fleet",
		"message": sprintf("%s in no fleet of any rollout", [text.plural(count(never), "canary is", "canaries are")]),
		"tenants": never,
	}
}

# METADATA
# title: Unreadable archives
# description: These archives could not be read, so nothing is known about their rollouts.
# custom:
#   codes: [lag.unreadable]
#   remedy: Repair or remove these archives. A rollout that cannot be read may have left tenants behind.
warn contains finding if {
	count(input.unreadable) > 0
	finding := {
		"code": "lag.unreadable",
		"message": sprintf("%s be read: %s", [
			text.plural(count(input.unreadable), "archive could not", "archives could not"),
			text.names([unreadable.archive | some unreadable in input.unreadable]),
		]),
	}
}

# METADATA
# title: Undated archives
# description: Nothing says when these rollouts were made, so they have no part in who was behind since when.
# custom:
#   codes: [lag.undated]
#   remedy: >-
#     Put the time into a name below the folder, such as 2026-07-01T10-00, or let --when say where it stands.
warn contains finding if {
	undated := [rollout.archive | some rollout in input.rollouts; not rollout.at]
	count(undated) > 0
	finding := {
		"code": "lag.undated",
		"message": sprintf("nothing says when %s made: %s", [
			text.plural(count(undated), "rollout was", "rollouts were"),
			text.names(undated),
		]),
	}
}

# METADATA
# title: History cut off
# description: Nothing that was made before the moment of --read-since was read.
# custom:
#   codes: [lag.history_cut]
#   remedy: Leave --read-since out. --since lists less and reads everything.
warn contains finding if {
	input.read_since
	finding := {
		"code": "lag.history_cut",
		"message": sprintf("nothing before %s was read: who was behind or vanished earlier is not known", [input.read_since]),
	}
}

# METADATA
# title: Plans and fleets without evidence
# description: These files belong to no archive.
# custom:
#   codes: [lag.unpaired]
#   remedy: Check whether the response is missing, or whether its name pairs it with another rollout.
warn contains finding if {
	count(input.unpaired) > 0
	finding := {
		"code": "lag.unpaired",
		"message": sprintf("%s to no archive: %s", [
			text.plural(count(input.unpaired), "plan or fleet belongs", "plans and fleets belong"),
			text.names(input.unpaired),
		]),
	}
}

# METADATA
# title: Appeared
# description: These tenants were not in the fleet at first.
# custom:
#   codes: [lag.appeared]
#   remedy: Check that these tenants were meant to join.
note contains finding if {
	tenants := {tenant.tenant | some tenant in input.tenants; tenant.appeared}
	count(tenants) > 0
	finding := {
		"code": "lag.appeared",
		"message": sprintf("%s joined the fleet", [text.plural(count(tenants), "tenant has", "tenants have")]),
		"tenants": tenants,
	}
}
