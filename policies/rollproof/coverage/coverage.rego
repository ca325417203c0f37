# METADATA
# title: Coverage
# description: Every tenant of the fleet is proven on the target, or is one of the few that the tolerance covers.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     max_stragglers:
#       type: integer
#       minimum: 0
#       description: How many stragglers may be shipped past. Without it the plan says, else 0.
#     require_proof:
#       type: boolean
#       default: false
#       description: Deny tenants whose proof is only assumed because their rows lack verified_on_target.
package rollproof.coverage

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.text

is_incomplete if fleet.behind > fleet.tolerated

is_incomplete if count(fleet.never_called) > 0

assumed contains i if some i in (fleet.asserted & proof.in_state.assumed)

# METADATA
# title: Incomplete rollout
# description: More tenants are stragglers than the tolerance covers, or some were never called.
# custom:
#   codes: [coverage.incomplete]
#   remedy: Redeploy them, or look at their boxes; they still serve the old build.
deny contains finding if {
	is_incomplete
	finding := {
		"code": "coverage.incomplete",
		"message": sprintf("%s not proven on %s", [text.tenants_are(fleet.behind), fleet.target]),
		"tenants": fleet.counted,
		"observed": {"stragglers": fleet.behind},
		"expected": {"stragglers_at_most": fleet.tolerated},
	}
}

# METADATA
# title: Waived stragglers
# description: Somebody has agreed to live with these stragglers. They count toward no tolerance.
# custom:
#   codes: [coverage.incomplete]
#   remedy: Repair them before the waiver expires; they still serve the old build.
deny contains finding if {
	count(fleet.waived) > 0
	finding := {
		"code": "coverage.incomplete",
		"message": sprintf("%s not proven on %s", [text.tenants_are(count(fleet.waived)), fleet.target]),
		"tenants": object.keys(fleet.waived),
	}
}

# METADATA
# title: Nobody is proven
# description: No tenant of the fleet is proven, so the tolerance covers none.
# custom:
#   codes: [coverage.unproven_fleet]
#   waivable: false
#   remedy: Find out why nothing reached anybody before you roll out again.
deny contains finding if {
	fleet.nobody_is_proven
	finding := {
		"code": "coverage.unproven_fleet",
		"message": sprintf("no tenant of the fleet is proven on %s, whatever is tolerated", [fleet.target]),
		"tenants": fleet.stragglers,
		"observed": {"proven": 0},
		"expected": {"proven_at_least": 1},
	}
}

# METADATA
# title: Proof is required
# description: The parameter require_proof asks for more than an assumed proof.
# custom:
#   codes: [coverage.assumed]
#   remedy: Update the control plane, so that it inspects the running containers, or leave require_proof out.
deny contains finding if {
	params.value("require_proof", false)
	some finding in assumed_finding
}

# METADATA
# title: Quarantined stragglers
# description: The tolerance covers these stragglers, and the rollout shipped past them.
# custom:
#   codes: [coverage.quarantined]
#   remedy: Repair them before the next rollout; they still serve the old build.
warn contains finding if {
	fleet.behind > 0
	not fleet.exceeded
	finding := {
		"code": "coverage.quarantined",
		"message": sprintf("%s quarantined: not proven on %s, and tolerated", [text.tenants_are(fleet.behind), fleet.target]),
		"tenants": fleet.counted,
		"observed": {"stragglers": fleet.behind},
		"expected": {"stragglers_at_most": fleet.tolerated},
	}
}

# METADATA
# title: Assumed proof
# description: These tenants' rows lack verified_on_target, as an older control plane's do, and report no failure.
# custom:
#   codes: [coverage.assumed]
#   remedy: Update the control plane, so that it inspects the running containers.
note contains finding if {
	not params.value("require_proof", false)
	some finding in assumed_finding
}

# METADATA
# title: Too many stragglers
# description: More of the tenants that were called are stragglers than may be tolerated, so no further one is called.
# custom:
#   codes: [coverage.incomplete]
halt contains finding if {
	fleet.behind > fleet.tolerated
	are := text.tenants_are(fleet.behind)
	message := sprintf("%s not proven on %s, and %d tolerated", [are, fleet.target, fleet.tolerated])
	finding := {"code": "coverage.incomplete", "message": message}
}

assumed_finding contains finding if {
	count(assumed) > 0
	are := text.tenants_are(fleet.size(assumed))
	finding := {
		"code": "coverage.assumed",
		"message": sprintf("%s only assumed to be on %s: no row of theirs proves it", [are, fleet.target]),
		"tenants": fleet.tenants(assumed),
	}
}

not_applicable := "dry run" if {
	input.rollout.dry_run
} else := "no fleet" if {
	input.fleet.source == "none"
}
