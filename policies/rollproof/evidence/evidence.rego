# METADATA
# title: Evidence
# description: What was collected can carry a verdict. It is complete, of one kind, and agrees with itself.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     fleet_from_response:
#       type: boolean
#       default: false
#       description: Believe that the response names the whole fleet. Without it a response alone decides nothing.
package rollproof.evidence

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.text

# METADATA
# title: No independent fleet
# description: The fleet was guessed from the response, so a tenant that was skipped is in neither.
# custom:
#   codes: [evidence.no_fleet]
#   remedy: Give the fleet that the rollout had to cover, or believe the response with `fleet_from_response`.
inconclusive contains finding if {
	not params.value("fleet_from_response", false)
	some finding in no_fleet
}

# METADATA
# title: The fleet is empty
# description: Where there is no tenant, nothing can be proven. Judged in a dry run too.
# custom:
#   codes: [evidence.empty_fleet]
#   waivable: false
#   remedy: Look at what enumerated the fleet; a control plane that lists nobody is broken, or the wrong one.
deny contains finding if {
	input.fleet.tenants == 0
	is_enumerated
	finding := {
		"code": "evidence.empty_fleet",
		"message": "the fleet has no tenant: nothing was to be rolled out, and nothing is proven",
		"observed": 0,
		"expected": "at least 1",
		"at": "/fleet/tenants",
	}
}

# METADATA
# title: A dry run was live
# description: The plan is a dry run, yet rows of the response are not; the control plane acted.
# custom:
#   codes: [evidence.live_row_in_dry_run]
#   waivable: false
#   remedy: Find out what was deployed; the control plane did not keep to the plan.
deny contains finding if {
	input.rollout.dry_run
	tenants := fleet.tenants({i | some i, rows in proof.live; count(rows) > 0})
	count(tenants) > 0
	have_rows := text.plural(count(tenants), "tenant has a live row", "tenants have live rows")
	finding := {
		"code": "evidence.live_row_in_dry_run",
		"message": sprintf("%s, though the plan is a dry run", [have_rows]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
	}
}

# METADATA
# title: A plan call was live
# description: A row of the plan call's own answer is live, so the answer enumerates nothing; the control plane acted.
# custom:
#   codes: [evidence.live_row_in_dry_run]
#   waivable: false
#   remedy: Find out what was deployed; the control plane took a dry run for a rollout.
deny contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "live_row_in_plan_call"]
	count(rows) > 0
	finding := {
		"code": "evidence.live_row_in_dry_run",
		"message": sprintf("the plan call's answer has %s", [text.plural(many(rows), "live row", "live rows")]),
		"tenants": {anomaly.tenant | some anomaly in rows},
		"at": rows[0].at,
	}
}

# METADATA
# title: The control plane does not know a tenant
# description: The inventory, which is independent of the control plane, has tenants that the plan call did not enumerate.
# custom:
#   codes: [evidence.not_enumerated]
#   waivable: false
#   remedy: Find out why the control plane does not know them, or take them out of the inventory.
deny contains finding if {
	tenants := input.fleet.inventory
	count(tenants) > 0
	are := text.plural(count(tenants), "tenant of the inventory is", "tenants of the inventory are")
	finding := {
		"code": "evidence.not_enumerated",
		"message": sprintf("%s not enumerated by the control plane", [are]),
		"tenants": tenants,
		"at": "/fleet/inventory",
	}
}

# METADATA
# title: Rows that nobody asked for
# description: Answers hold rows for tenants that their call did not name. Such a row proves nothing.
# custom:
#   codes: [evidence.unrequested_row]
#   remedy: Find out why the control plane answers for others; it may have rolled them out.
warn contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unrequested_row"]
	count(rows) > 0
	finding := {
		"code": "evidence.unrequested_row",
		"message": sprintf("%s a tenant that its call did not name", [text.plural(many(rows), "row is for", "rows are each for")]),
		"tenants": {anomaly.tenant | some anomaly in rows},
		"at": rows[0].at,
	}
}

# METADATA
# title: No independent fleet, and the response is believed
# description: The fleet was guessed from the response, so a tenant that was skipped is in neither.
# custom:
#   codes: [evidence.no_fleet]
#   remedy: Give the fleet that the rollout had to cover.
warn contains finding if {
	params.value("fleet_from_response", false)
	some finding in no_fleet
}

# METADATA
# title: Tenants are enumerated more than once
# description: The fleet lists them again; each counts once.
# custom:
#   codes: [evidence.duplicate_in_fleet]
#   remedy: Look at what enumerated the fleet; two deployments may share a slug.
warn contains finding if {
	tenants := input.fleet.duplicates
	count(tenants) > 0
	finding := {
		"code": "evidence.duplicate_in_fleet",
		"message": sprintf("%s enumerated more than once", [text.plural(count(tenants), "tenant is", "tenants are")]),
		"tenants": tenants,
		"at": "/fleet/duplicates",
	}
}

# METADATA
# title: Rows are not alike in what they prove
# description: Of the rows that count, some carry `verified_on_target` and some do not.
# custom:
#   codes: [evidence.mixed_proof]
#   remedy: Find out why; a control plane is being updated, or did not inspect these tenants.
warn contains finding if {
	counted := {i | some i, _ in proof.counting} & fleet.asserted
	carrying := counted & proof.keyed
	count(carrying) > 0
	tenants := fleet.tenants(counted - carrying)
	count(tenants) > 0
	its_row_carries := "tenant has no proof of its own: its row carries"
	their_rows_carry := "tenants have no proof of their own: their rows carry"
	lack_proof := text.plural(count(tenants), its_row_carries, their_rows_carry)
	finding := {
		"code": "evidence.mixed_proof",
		"message": sprintf("%s no verified_on_target, while others' do", [lack_proof]),
		"tenants": tenants,
		"observed": count(tenants),
	}
}

# METADATA
# title: Rows of one tenant contradict each other
# description: >-
#   Each live row on its own would give another proof state. The latest counts, but a missing key never overrides a
#   false one.
# custom:
#   codes: [evidence.conflicting_rows]
#   remedy: Look at these tenants now; what they run may have changed between two attempts.
warn contains finding if {
	not input.rollout.dry_run
	tenants := fleet.tenants(proof.conflicting)
	count(tenants) > 0
	have_rows := text.plural(count(tenants), "tenant has", "tenants have")
	finding := {
		"code": "evidence.conflicting_rows",
		"message": sprintf("%s rows that disagree; the latest counts", [have_rows]),
		"tenants": tenants,
		"observed": count(tenants),
	}
}

# METADATA
# title: A proof is assumed from a row that says nothing
# description: The row carries no status, exit code or health, so there is no failure that it could have reported.
# custom:
#   codes: [evidence.bare_row]
#   remedy: Look at these tenants; the control plane named them, and no more.
warn contains finding if {
	counting := proof.counting
	tenants := fleet.tenants({i |
		some i in (fleet.asserted & proof.in_state.assumed)
		is_bare(counting[i])
	})
	count(tenants) > 0
	by_a_row := "tenant is assumed to be proven by a row"
	by_rows := "tenants are assumed to be proven by rows"
	finding := {
		"code": "evidence.bare_row",
		"message": sprintf("%s without a status, an exit code or a health", [text.plural(count(tenants), by_a_row, by_rows)]),
		"tenants": tenants,
		"observed": count(tenants),
	}
}

# METADATA
# title: A verified row also says the contrary
# description: It reports a failure, or another image tag. `verified_on_target` is authoritative, so the tenant stays proven.
# custom:
#   codes: [evidence.contradiction]
#   remedy: Look at these tenants; a command may have failed after the build was in place.
warn contains finding if {
	rows := proof.counting
	verified := fleet.asserted & proof.in_state.verified
	tenants := fleet.tenants(verified & (proof.failing(rows) | proof.on_other_image(rows)))
	count(tenants) > 0
	by_a_row := "tenant is verified by a row that also reports"
	by_rows := "tenants are verified by rows that also report"
	finding := {
		"code": "evidence.contradiction",
		"message": sprintf("%s a failure or another image tag", [text.plural(count(tenants), by_a_row, by_rows)]),
		"tenants": tenants,
		"observed": count(tenants),
	}
}

# METADATA
# title: Rows of tenants outside the fleet
# description: The control plane answered for tenants that were not enumerated. Judged in a dry run too.
# custom:
#   codes: [evidence.unplanned_tenants]
#   remedy: Find out why these were rolled out; the fleet may be incomplete.
warn contains finding if {
	tenants := fleet.tenants({i | some i, cohort in input.cohorts; not cohort.planned})
	count(tenants) > 0
	have_rows := text.plural(count(tenants), "tenant has rows and is", "tenants have rows and are")
	finding := {
		"code": "evidence.unplanned_tenants",
		"message": sprintf("%s not in the fleet", [have_rows]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
	}
}

# METADATA
# title: Rows that belong to nobody
# description: Their slug is blank or absent, so they prove nothing of anyone. Judged in a dry run too.
# custom:
#   codes: [evidence.unattributed_row]
#   remedy: Look at these rows; a tenant that is reported as skipped may have lost its slug.
warn contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unattributed_row"]
	seen := many(rows)
	seen > 0
	places := [sprintf("%s#%s", [anomaly.input, anomaly.at]) | some anomaly in rows]
	finding := {
		"code": "evidence.unattributed_row",
		"message": sprintf("%s to nobody: the slug is blank or absent", [text.plural(seen, "row belongs", "rows belong")]),
		"observed": array.slice(places, 0, 20),
		"at": places[0],
	}
}

# METADATA
# title: The archive's own verdict is another
# description: What its `ok`, `error` and `stragglers` say does not follow from its evidence. The evidence decides.
# custom:
#   codes: [evidence.archived_verdict]
#   remedy: Compare the fleet, the plan and the tolerance with those of the day; the archive was judged by others.
warn contains finding if {
	count(contradictions) > 0
	says := concat(", and it ", contradictions)
	finding := {
		"code": "evidence.archived_verdict",
		"message": sprintf("the archive's own verdict is not what its evidence says: it %s", [says]),
		"tenants": disputed,
	}
}

# METADATA
# title: Fields that the schema does not know
# description: They are no evidence, and are left out. Judged in a dry run too.
# custom:
#   codes: [evidence.unknown_field]
#   remedy: Look whether a field is misspelt; a newer control plane may also say more than this version reads.
note contains finding if {
	unknown := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unknown_field"]
	fields := sort({anomaly.field | some anomaly in unknown})
	seen := count(fields) + unlisted(unknown)
	seen > 0
	finding := {
		"code": "evidence.unknown_field",
		"message": sprintf("%s unknown: %s", [text.plural(seen, "field is", "fields are"), names(fields, seen)]),
		"observed": fields,
		"at": sprintf("%s#%s", [unknown[0].input, unknown[0].at]),
	}
}

# METADATA
# title: No plan
# description: Without a plan no straggler is tolerated, no canary is known, and no image can be compared.
# custom:
#   codes: [evidence.no_plan]
#   remedy: Give the plan of the rollout.
note contains finding if {
	not input.rollout.target_tag
	not input.gates.plan_disabled
	finding := {
		"code": "evidence.no_plan",
		"message": "no plan was given: the target and the canary are unknown, and the tolerance is not the plan's",
		"at": "/rollout",
	}
}

# METADATA
# title: Halt at evidence that cannot carry a rollout
# description: The fleet is empty or not all there, or a dry run was live. Nobody is called on such a ground.
# custom:
#   codes: [evidence.empty_fleet, evidence.not_enumerated, evidence.live_row_in_dry_run]
halt contains finding if some finding in deny

# METADATA
# title: The plan call enumerated somebody else before
# description: >-
#   An attempt of the plan call named tenants that the answer which counts does not name. Which of the two is the fleet
#   is not known. Judged in a dry run too.
# custom:
#   codes: [evidence.enumeration_differs]
#   waivable: false
#   remedy: Find out why the control plane forgot them, then roll out again; give an inventory, so that none is lost.
inconclusive contains finding if some finding in dropped

# METADATA
# title: Halt where the fleet is not certain
# description: Attempts of the plan call enumerated different tenants. Nobody is called before it is known who is meant.
# custom:
#   codes: [evidence.enumeration_differs]
halt contains finding if {
	not input.rollout.dry_run
	some finding in dropped
}

dropped contains finding if {
	tenants := input.fleet.dropped
	count(tenants) > 0
	were := text.plural(count(tenants), "tenant was", "tenants were")
	finding := {
		"code": "evidence.enumeration_differs",
		"message": sprintf("%s enumerated by another attempt of the plan call, and not by the one that counts", [were]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
		"at": "/fleet/dropped",
	}
}

no_fleet contains finding if {
	not input.rollout.dry_run
	input.fleet.source == "response"
	finding := {
		"code": "evidence.no_fleet",
		"message": "no independent fleet was given: a tenant that was skipped could not be seen",
		"observed": "response",
		"expected": "plan_call or file",
		"at": "/fleet/source",
	}
}

is_enumerated if input.fleet.source != "none"

# Nothing was enumerated, called or stopped: nothing was checked.
is_enumerated if {
	count(input.calls) == 0
	input.rollout.outcome in {"completed", "unknown"}
	not input.gates.plan_disabled
}

# The stragglers that the archive claims: those it lists; else none, where it is called a success.
claimed := {trim_space(slug) | some slug in input.archive.stragglers; trim_space(slug) != ""} if {
	is_array(input.archive.stragglers)
} else := set() if {
	input.archive.ok == true
}

actual := {tenant | some tenant in fleet.stragglers}

default disputed := set()

disputed := difference if difference := (claimed - actual) | (actual - claimed)

contradictions contains "names other stragglers" if {
	count(fleet.asserted) > 0
	count(disputed) > 0
}

contradictions contains "is called a success" if {
	fleet.exceeded
	input.archive.ok == true
}

contradictions contains "is called incomplete" if {
	count(fleet.asserted) > 0
	not fleet.exceeded
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

is_bare(row) if {
	said := {object.get(row, key, null) | some key in ["ssm_status", "ssm_exit_code", "healthz_ok"]}
	said == {null}
}

# How often anomalies occur, those that are not listed included.
many(anomalies) := seen if {
	seen := sum([anomaly.count | some anomaly in anomalies]) + unlisted(anomalies)
}

unlisted(anomalies) := more if more := sum([anomaly.more | some anomaly in anomalies])

# The first ten of so many names.
names(listed, seen) := said if {
	count(listed) == seen
	said := text.names(listed)
}

names(listed, seen) := said if {
	count(listed) < seen
	said := sprintf("%s and %d more", [concat(", ", array.slice(listed, 0, 10)), seen - 10])
}
