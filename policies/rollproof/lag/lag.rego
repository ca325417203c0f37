# METADATA
# title: Lag
# description: >-
#   No deploy was called green that was not, and no tenant is behind for longer than it may be. Judges audits.
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
#       description: How many rollouts in a row may not ship past the same tenant.
#     flapping:
#       type: integer
#       default: 3
#       minimum: 1
#       description: How often a tenant that falls behind again is said to be flapping.
#   remedy: Redeploy these tenants, and check that their rows say verified_on_target.
package rollproof.lag

import data.rollproof.lib.params
import data.rollproof.lib.text

allowed := params.value("behind_for", 24) * 3600

judged := {i | some i, rollout in input.rollouts; rollout.decision != "not_asserted"}

# Rollouts that were called green and are not, as one finding.
was_green(decision, code, one, many) := {finding |
	rollouts := [rollout |
		some rollout in input.rollouts
		rollout.called == "green"
		rollout.decision == decision
	]
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

# Whoever is behind now, by index; a tenant that left the fleet is no more.
behind := {i: open |
	some i, tenant in input.tenants
	in_fleet(tenant)
	some open in tenant.behind
	is_open(open)
}

in_fleet(tenant) if not tenant.gone_since

is_open(span) if not span.until

late := {i |
	some i, open in behind
	open.seconds > allowed
	not open.waived
}

# Seconds as a person would say them.
duration(seconds) := sprintf("%v min", [floor(seconds / 60)]) if seconds < 3600

duration(seconds) := sprintf("%v h", [hours]) if {
	seconds >= 3600
	hours := floor(seconds / 3600)
	floor(seconds / 60) == hours * 60
}

duration(seconds) := sprintf("%v h %v min", [hours, minutes]) if {
	seconds >= 3600
	hours := floor(seconds / 3600)
	minutes := floor(seconds / 60) - (hours * 60)
	minutes > 0
}

# METADATA
# title: Nothing to judge
# description: No archived rollout asserts anything, so nothing was checked, and that is no pass.
# custom:
#   codes: [lag.nothing_judged]
#   remedy: Name the folder that holds the archives, or look further back with --since.
deny contains finding if {
	count(judged) == 0
	finding := {
		"code": "lag.nothing_judged",
		"message": sprintf("no archived rollout asserts anything, of %d that were read", [count(input.rollouts)]),
	}
}

# METADATA
# title: False green
# description: Rollouts that were called green when they were made, and that the policies deny.
# custom:
#   codes: [lag.false_green]
#   remedy: >-
#     See what each of these left behind with `rollproof explain`, redeploy it, and put rollproof before whatever called
#     them green.
deny contains finding if {
	some finding in was_green("fail", "lag.false_green", "was not", "were not")
}

# METADATA
# title: Behind for too long
# description: Tenants that are not proven on what others of their fleet run, for longer than behind_for.
# custom:
#   codes: [lag.behind]
deny contains finding if {
	count(late) > 0
	finding := {
		"code": "lag.behind",
		"message": sprintf("%s behind for more than %s, the longest for %s", [
			text.tenants_are(count(late)),
			duration(allowed),
			duration(max([behind[i].seconds | some i in late])),
		]),
		"tenants": [input.tenants[i].tenant | some i in late],
	}
}

# METADATA
# title: Quarantined again and again
# description: Tenants that so many rollouts in a row have shipped past that nobody can mean it any more.
# custom:
#   codes: [lag.quarantined]
#   remedy: Repair these tenants, or waive them with a reason, an owner and an end.
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
# description: Rollouts that were called green when they were made, and whose evidence cannot decide.
# custom:
#   codes: [lag.unproven_green]
#   remedy: Archive the plan call's answer beside each response, and name it so that the two are paired.
inconclusive contains finding if {
	some finding in was_green("inconclusive", "lag.unproven_green", "cannot be proven", "cannot be proven")
}

# METADATA
# title: Behind
# description: Tenants that are not proven on what others of their fleet run, and not yet for longer than behind_for.
# custom:
#   codes: [lag.behind_within]
warn contains finding if {
	within := {i | some i, _ in behind} - late
	count(within) > 0
	finding := {
		"code": "lag.behind_within",
		"message": sprintf("%s behind, within %s or waived", [
			text.tenants_are(count(within)),
			duration(allowed),
		]),
		"tenants": [input.tenants[i].tenant | some i in within],
	}
}

# METADATA
# title: Behind for too long, once
# description: Tenants that were behind for longer than behind_for, and that have caught up.
# custom:
#   codes: [lag.was_behind]
#   remedy: Nothing is left to do for these tenants; ask why nobody saw it.
warn contains finding if {
	ended := [span |
		some tenant in input.tenants
		some closed in tenant.behind
		closed.until
		closed.seconds > allowed
		span := {"tenant": tenant.tenant, "seconds": closed.seconds}
	]
	count(ended) > 0
	tenants := {span.tenant | some span in ended}
	finding := {
		"code": "lag.was_behind",
		"message": sprintf("%s once behind for more than %s, the longest for %s", [
			text.plural(count(tenants), "tenant was", "tenants were"),
			duration(allowed),
			duration(max([span.seconds | some span in ended])),
		]),
		"tenants": tenants,
	}
}

# METADATA
# title: Flapping
# description: Tenants that were proven and fell behind again, time after time.
# custom:
#   codes: [lag.flapping]
#   remedy: Look at these tenants' boxes; something brings the old build back.
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
# description: Tenants that were in the fleet and that its latest rollouts did not enumerate.
# custom:
#   codes: [lag.vanished]
#   remedy: Were they meant to leave? A control plane that forgets a tenant is how one is left behind unseen.
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
# title: Canary that never was there
# description: Canaries that no fleet of any rollout had, so that nothing ever went first.
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
# description: Archives of which nothing is known, because they could not be read.
# custom:
#   codes: [lag.unreadable]
#   remedy: Repair them, or take them away; a rollout that cannot be read may have left anybody behind.
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
# title: Plans and fleets without evidence
# description: Files that were kept of a rollout of which nothing else was.
# custom:
#   codes: [lag.unpaired]
#   remedy: Is the response missing, or does its name say that it belongs to another rollout?
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
# description: Tenants that the fleet was without at first.
# custom:
#   codes: [lag.appeared]
#   remedy: Nothing, if they were meant to join.
note contains finding if {
	tenants := {tenant.tenant | some tenant in input.tenants; tenant.appeared}
	count(tenants) > 0
	finding := {
		"code": "lag.appeared",
		"message": sprintf("%s joined the fleet", [text.plural(count(tenants), "tenant has", "tenants have")]),
		"tenants": tenants,
	}
}
