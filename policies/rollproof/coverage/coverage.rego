# METADATA
# title: Coverage
# description: Every tenant of the fleet is proven on the target build, or is a straggler that the tolerance covers.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     max_stragglers:
#       type: integer
#       minimum: 0
#       description: How many stragglers are tolerated. Without it the plan's value applies, else 0.
#     require_proof:
#       type: boolean
#       default: false
#       description: Deny tenants whose proof is only assumed because their rows lack verified_on_target.
package rollproof.coverage

import data.rollproof.lib.fleet
import data.rollproof.lib.lookalikes
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.text

is_incomplete if fleet.unwaived_count > fleet.tolerated

is_incomplete if count(fleet.never_called) > 0

assumed := fleet.asserted & proof.in_state("assumed")

# METADATA
# title: Incomplete rollout
# description: More tenants are stragglers than the tolerance covers, or some tenants were never called.
# custom:
#   codes: [coverage.incomplete]
#   remedy: Redeploy these tenants, or check their hosts. They may still run the old build.
deny contains finding if {
	is_incomplete
	finding := {
		"code": "coverage.incomplete",
		"message": sprintf("%s not proven on %s%s", [
			text.tenants_are(fleet.unwaived_count),
			fleet.target,
			lookalikes.hint_of_tenants(fleet.unwaived),
		]),
		"tenants": fleet.unwaived,
		"observed": {"stragglers": fleet.unwaived_count},
		"expected": {"stragglers_at_most": fleet.tolerated},
	}
}

# METADATA
# title: Waived stragglers
# description: These stragglers are waived. They do not count toward the tolerance.
# custom:
#   codes: [coverage.incomplete]
#   remedy: Repair these tenants before the waiver expires. They may still run the old build.
deny contains finding if {
	count(fleet.waived) > 0
	finding := {
		"code": "coverage.incomplete",
		"message": sprintf("%s not proven on %s", [text.tenants_are(count(fleet.waived)), fleet.target]),
		"tenants": object.keys(fleet.waived),
	}
}

# METADATA
# title: No tenant is proven
# description: No tenant of the fleet is proven. The tolerance never covers a whole fleet.
# custom:
#   codes: [coverage.unproven_fleet]
#   waivable: false
#   remedy: Find out why no tenant was updated before you roll out again.
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
# description: The proof of these tenants is only assumed, and the parameter require_proof does not accept that.
# custom:
#   codes: [coverage.assumed]
#   remedy: Update the control plane so that it inspects the running containers, or unset require_proof.
deny contains finding if {
	params.value("require_proof", false)
	some finding in assumed_finding
}

# METADATA
# title: Quarantined stragglers
# description: The tolerance covers these stragglers, so the rollout passes without them.
# custom:
#   codes: [coverage.quarantined]
#   remedy: Repair these tenants before the next rollout. They may still run the old build.
warn contains finding if {
	fleet.unwaived_count > 0
	not fleet.tolerance_exceeded
	finding := {
		"code": "coverage.quarantined",
		"message": sprintf("%s quarantined: not proven on %s, and tolerated", [text.tenants_are(fleet.unwaived_count), fleet.target]),
		"tenants": fleet.unwaived,
		"observed": {"stragglers": fleet.unwaived_count},
		"expected": {"stragglers_at_most": fleet.tolerated},
	}
}

# METADATA
# title: Proof by status alone
# description: >-
#   The mapping says that a status is the only proof, so nobody saw these tenants on the target. A command that returned 0
#   says nothing of what runs.
# custom:
#   codes: [coverage.assumed]
#   remedy: Let the mapping compare what runs with the target, in verified_on_target.
warn contains finding if {
	not params.value("require_proof", false)
	proof.by_status
	some finding in assumed_finding
}

# METADATA
# title: Assumed proof
# description: The rows of these tenants lack verified_on_target, as those of older control planes do, and report no failure.
# custom:
#   codes: [coverage.assumed]
#   remedy: Update the control plane so that it inspects the running containers.
note contains finding if {
	not params.value("require_proof", false)
	not proof.by_status
	some finding in assumed_finding
}

# METADATA
# title: Too many stragglers
# description: More of the called tenants are stragglers than are tolerated, so no further tenant is called.
# custom:
#   codes: [coverage.incomplete]
halt contains finding if {
	fleet.unwaived_count > fleet.tolerated
	are := text.tenants_are(fleet.unwaived_count)
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
