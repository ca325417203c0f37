# METADATA
# title: Evidence
# description: The evidence is sufficient for a verdict. It is complete, of one kind and without contradictions.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   previous: optional
#   params:
#     fleet_from_response:
#       type: boolean
#       default: false
#       description: Accept that the response names the whole fleet. Without it, a response alone is inconclusive.
#     require_inventory:
#       type: boolean
#       default: false
#       description: Deny a rollout whose fleet only the control plane enumerated, without an inventory that is kept elsewhere.
package rollproof.evidence

import data.rollproof.lib.fleet
import data.rollproof.lib.lookalikes
import data.rollproof.lib.params
import data.rollproof.lib.previous
import data.rollproof.lib.proof
import data.rollproof.lib.text

# METADATA
# title: No independent fleet
# description: The fleet was derived from the response, so a tenant that was skipped is missing from both.
# custom:
#   codes: [evidence.no_fleet]
#   remedy: Give the fleet that the rollout had to cover, or accept the response as the fleet with `fleet_from_response`.
inconclusive contains finding if {
	not params.value("fleet_from_response", false)
	some finding in no_fleet
}

# METADATA
# title: Attempts of the plan call enumerated different tenants
# description: >-
#   An attempt of the plan call enumerated tenants that the answer in use does not have, so it is not known which of them
#   is the fleet. Also evaluated in a dry run.
# custom:
#   codes: [evidence.enumeration_differs]
#   waivable: false
#   remedy: Find out why the control plane no longer enumerates them, then roll out again. An inventory shows a lost tenant.
inconclusive contains finding if some finding in enumeration_differs

# METADATA
# title: Misspelt fields
# description: >-
#   These fields are nearly ones that the schema defines, so what they report was not read. The evidence may say the
#   contrary of what is proven without them. Also evaluated in a dry run.
# custom:
#   codes: [evidence.misspelt_field]
#   waivable: false
#   remedy: Correct the spelling at the control plane, or name the field with --evidence-field if it is another one.
inconclusive contains finding if some finding in misspelt_fields

# METADATA
# title: The fleet is empty
# description: The fleet has no tenant, so nothing can be proven. Also evaluated in a dry run.
# custom:
#   codes: [evidence.empty_fleet]
#   waivable: false
#   remedy: Check the source of the fleet. A control plane that enumerates no tenant is broken or the wrong one.
deny contains finding if {
	input.fleet.tenants == 0
	expects_tenants
	finding := {
		"code": "evidence.empty_fleet",
		"message": "the fleet has no tenant: nothing was to be rolled out, and nothing is proven",
		"observed": 0,
		"expected": "at least 1",
		"at": "/fleet/tenants",
	}
}

# METADATA
# title: Live rows in a dry run
# description: The plan is a dry run, and rows of the response are live, so the control plane may have deployed something.
# custom:
#   codes: [evidence.live_row_in_dry_run]
#   waivable: false
#   remedy: Find out what was deployed. The control plane did not follow the plan.
deny contains finding if {
	input.rollout.dry_run
	tenants := fleet.tenants({i | some i, _ in proof.deciding_rows})
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
# title: Live rows in the answer to the plan call
# description: The plan call's answer has live rows, so it enumerates no tenant, and something may have been deployed.
# custom:
#   codes: [evidence.live_row_in_dry_run]
#   waivable: false
#   remedy: Find out what was deployed. The control plane treated a dry run as a rollout.
deny contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "live_row_in_plan_call"]
	count(rows) > 0
	finding := {
		"code": "evidence.live_row_in_dry_run",
		"message": sprintf("the plan call's answer has %s", [text.plural(total(rows), "live row", "live rows")]),
		"tenants": {anomaly.tenant | some anomaly in rows},
		"at": rows[0].at,
	}
}

# METADATA
# title: Tenants of the inventory are not enumerated
# description: The inventory, which is independent of the control plane, has tenants that the plan call did not enumerate.
# custom:
#   codes: [evidence.not_enumerated]
#   waivable: false
#   remedy: Find out why the control plane does not enumerate these tenants, or remove them from the inventory.
deny contains finding if {
	tenants := input.fleet.inventory
	count(tenants) > 0
	are := text.plural(count(tenants), "tenant of the inventory is", "tenants of the inventory are")
	finding := {
		"code": "evidence.not_enumerated",
		"message": sprintf("%s not enumerated by the control plane%s", [are, lookalikes.hint(tenants)]),
		"tenants": tenants,
		"at": "/fleet/inventory",
	}
}

# METADATA
# title: Tenants of the previous fleet are not enumerated
# description: >-
#   The previous rollout had to cover tenants that this fleet does not have, and nobody has retired them. A report of the
#   previous rollout has the number of its tenants; only a document has all of their names. Also evaluated in a dry run.
# custom:
#   codes: [evidence.fleet_shrank]
#   remedy: Find out why these tenants are no longer enumerated. Name those that were taken out on purpose with --retired.
deny contains finding if {
	tenants := previous.vanished
	count(tenants) > 0
	are := text.plural(count(tenants), "tenant of the previous fleet is", "tenants of the previous fleet are")
	finding := {
		"code": "evidence.fleet_shrank",
		"message": sprintf("%s not enumerated, and not retired", [are]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
		"at": "/fleet",
	}
}

# METADATA
# title: The previous fleet was larger
# description: The previous rollout had to cover more tenants, and its report does not have their names.
# custom:
#   codes: [evidence.fleet_shrank]
#   remedy: Give the document of the previous rollout, which names them all, and with --retired those taken out on purpose.
deny contains finding if {
	previous.missing > count(previous.vanished)
	fewer := text.plural(previous.missing, "tenant fewer is enumerated", "tenants fewer are enumerated")
	finding := {
		"code": "evidence.fleet_shrank",
		"message": sprintf("%s than in the previous rollout, whose report does not name them", [fewer]),
		"observed": input.fleet.tenants,
		"expected": sprintf("at least %d", [input.fleet.tenants + previous.missing]),
		"at": "/fleet/tenants",
	}
}

# METADATA
# title: The control plane no longer sends verified_on_target
# description: >-
#   Rows of the previous rollout had `verified_on_target`, so a row without it is not from an older control plane, and
#   proves nothing.
# custom:
#   codes: [evidence.proof_lost]
#   remedy: Find out why the control plane did not inspect these tenants. If it was set back to an older version, add a waiver.
deny contains finding if {
	tenants := fleet.tenants(previous.proof_lost)
	count(tenants) > 0
	its_row_lacks := "tenant has no proof of its own: its row lacks"
	their_rows_lack := "tenants have no proof of their own: their rows lack"
	lack_proof := text.plural(count(tenants), its_row_lacks, their_rows_lack)
	finding := {
		"code": "evidence.proof_lost",
		"message": sprintf("%s verified_on_target, which rows of the previous rollout had", [lack_proof]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
	}
}

# METADATA
# title: No inventory
# description: >-
#   Only the control plane enumerated the fleet, so a tenant that it does not know is missing without a trace, and
#   `require_inventory` is set.
# custom:
#   codes: [evidence.fleet_from_control_plane]
#   remedy: Give a list of the tenants that is kept outside the control plane, with --fleet.
deny contains finding if {
	params.value("require_inventory", false)
	some finding in fleet_from_control_plane
}

# METADATA
# title: Unrequested rows
# description: Answers have rows for tenants that their call did not name. Such a row proves nothing.
# custom:
#   codes: [evidence.unrequested_row]
#   remedy: Find out why the control plane answers for these tenants. It may have rolled them out.
warn contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unrequested_row"]
	count(rows) > 0
	finding := {
		"code": "evidence.unrequested_row",
		"message": sprintf("%s a tenant that its call did not name", [text.plural(total(rows), "row is for", "rows are each for")]),
		"tenants": {anomaly.tenant | some anomaly in rows},
		"at": rows[0].at,
	}
}

# METADATA
# title: No independent fleet, and the response is accepted
# description: The fleet was derived from the response, so a tenant that was skipped is missing from both.
# custom:
#   codes: [evidence.no_fleet]
#   remedy: Give the fleet that the rollout had to cover.
warn contains finding if {
	params.value("fleet_from_response", false)
	some finding in no_fleet
}

# METADATA
# title: Tenants are enumerated more than once
# description: The fleet lists these tenants more than once. Each counts once.
# custom:
#   codes: [evidence.duplicate_in_fleet]
#   remedy: Check the source of the fleet. Two deployments may share a slug.
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
# title: Tenants of the fleet look alike
# description: >-
#   These tenants of the fleet differ only in case, white space, invisible characters or Unicode form. Each counts.
# custom:
#   codes: [evidence.duplicate_in_fleet]
#   remedy: Check the source of the fleet. One tenant may be listed under two spellings.
warn contains finding if {
	count(lookalikes.in_fleet) > 0
	names := {name |
		some lookalike in lookalikes.in_fleet
		some name in [lookalike.name, lookalike.tenant]
	}
	finding := {
		"code": "evidence.duplicate_in_fleet",
		"message": sprintf("%s of the fleet look alike%s", [
			text.plural(count(names), "tenant", "tenants"),
			lookalikes.hint(names),
		]),
		"tenants": names,
		"at": "/fleet/lookalikes",
	}
}

# METADATA
# title: Some rows lack verified_on_target
# description: Some of the rows that decide have `verified_on_target`, and some do not.
# custom:
#   codes: [evidence.mixed_proof]
#   remedy: Find out why. The control plane may have been updated meanwhile, or may not have inspected these tenants.
warn contains finding if {
	with_row := {i | some i, _ in proof.deciding_rows} & fleet.asserted
	with_key := {i | some i, row in proof.deciding_rows; row.verified_on_target in {true, false, null}} & with_row
	count(with_key) > 0
	tenants := fleet.tenants(with_row - with_key)
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
#   The live rows of these tenants give different proof states. The latest row decides, but a missing verified_on_target
#   never overrides a false one.
# custom:
#   codes: [evidence.conflicting_rows]
#   remedy: Check what these tenants run now. It may have changed between two attempts.
warn contains finding if {
	not input.rollout.dry_run
	tenants := fleet.tenants({i |
		some i, cohort in input.cohorts
		count(cohort.rows) > 1
		proof.is_conflicting(proof.live[i])
	})
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
# title: A proof is assumed from a row without results
# description: The row has no status, exit code or health, so it could not have reported a failure.
# custom:
#   codes: [evidence.bare_row]
#   remedy: Check what these tenants run. The control plane named them and reported no result.
warn contains finding if {
	assumed := fleet.asserted & proof.in_state("assumed")
	tenants := fleet.tenants({i |
		some i in assumed
		is_bare(proof.deciding_rows[i])
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
# title: A verified row reports a failure or another image
# description: The row has verified_on_target true, which is authoritative, so the tenant stays proven.
# custom:
#   codes: [evidence.contradiction]
#   remedy: Check these tenants. A command may have failed after the build was installed.
warn contains finding if {
	verified := fleet.asserted & proof.in_state("verified")
	tenants := fleet.tenants({i |
		some i in verified
		contradicts_itself(proof.deciding_rows[i])
	})
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
# description: The control plane answered for tenants that were not enumerated. Also evaluated in a dry run.
# custom:
#   codes: [evidence.unplanned_tenants]
#   remedy: Find out why these tenants were rolled out. The fleet may be incomplete.
warn contains finding if {
	tenants := fleet.tenants({i | some i, cohort in input.cohorts; not cohort.planned})
	count(tenants) > 0
	have_rows := text.plural(count(tenants), "tenant has rows and is", "tenants have rows and are")
	finding := {
		"code": "evidence.unplanned_tenants",
		"message": sprintf("%s not in the fleet%s", [have_rows, lookalikes.hint(tenants)]),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
	}
}

# METADATA
# title: Rows without a tenant
# description: The slug of these rows is blank or absent, so they prove nothing. Also evaluated in a dry run.
# custom:
#   codes: [evidence.unattributed_row]
#   remedy: Check these rows. They may belong to a tenant that is reported as skipped.
warn contains finding if {
	rows := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unattributed_row"]
	total_count := total(rows)
	total_count > 0
	places := [sprintf("%s#%s", [anomaly.input, anomaly.at]) | some anomaly in rows]
	finding := {
		"code": "evidence.unattributed_row",
		"message": sprintf("%s to nobody: the slug is blank or absent", [text.plural(total_count, "row belongs", "rows belong")]),
		"observed": array.slice(places, 0, 20),
		"at": places[0],
	}
}

# METADATA
# title: The archive's own verdict differs
# description: The archive's `ok`, `error` or `stragglers` does not follow from its evidence. The evidence decides.
# custom:
#   codes: [evidence.archived_verdict]
#   remedy: Compare the fleet, the plan and the tolerance with those of the time. The archive may have been evaluated with others.
warn contains finding if {
	count(archive_contradictions) > 0
	statements := concat(", and it ", archive_contradictions)
	finding := {
		"code": "evidence.archived_verdict",
		"message": sprintf("the archive's own verdict is not what its evidence says: it %s", [statements]),
		"tenants": disputed_stragglers,
	}
}

# METADATA
# title: Unknown fields
# description: The schema does not define these fields, so they are ignored. Also evaluated in a dry run.
# custom:
#   codes: [evidence.unknown_field]
#   remedy: Check the spelling of these fields. A newer control plane may also report more than this version reads.
note contains finding if {
	unknown := [anomaly | some anomaly in input.anomalies; anomaly.kind == "unknown_field"]
	fields := sort({anomaly.field | some anomaly in unknown})
	total_count := count(fields) + unlisted_total(unknown)
	total_count > 0
	finding := {
		"code": "evidence.unknown_field",
		"message": sprintf("%s unknown: %s", [text.plural(total_count, "field is", "fields are"), field_names(fields, total_count)]),
		"observed": fields,
		"at": sprintf("%s#%s", [unknown[0].input, unknown[0].at]),
	}
}

# METADATA
# title: No inventory
# description: >-
#   Only the control plane enumerated the fleet, so a tenant that it does not know is missing without a trace.
# custom:
#   codes: [evidence.fleet_from_control_plane]
#   remedy: Give a list of the tenants that is kept outside the control plane, with --fleet.
note contains finding if {
	not params.value("require_inventory", false)
	some finding in fleet_from_control_plane
}

# METADATA
# title: No plan
# description: Without a plan, the target, the canary and the plan's tolerance are unknown, so no image can be compared.
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
# title: Skipped items
# description: The mapping says that these items of the input are no tenants. Also evaluated in a dry run.
# custom:
#   codes: [evidence.skipped_item]
#   remedy: Check that none of these items is a tenant. `rollproof mapping try` shows what the mapping reads.
note contains finding if {
	skipped := [anomaly | some anomaly in input.anomalies; anomaly.kind == "skipped_item"]
	total_count := total(skipped)
	total_count > 0
	reasons := {anomaly.reason | some anomaly in skipped}
	places := [sprintf("%s#%s", [anomaly.input, anomaly.at]) | some anomaly in skipped]
	are := text.plural(total_count, "item is", "items are")
	finding := {
		"code": "evidence.skipped_item",
		"message": sprintf("%s skipped by the mapping: %s", [are, concat("; ", sort(reasons))]),
		"observed": array.slice(places, 0, 20),
		"at": places[0],
	}
}

# METADATA
# title: Halt at insufficient evidence
# description: No tenant is called if the fleet is empty or incomplete, if a dry run was live, or if proof was lost.
# custom:
#   codes:
#     - evidence.empty_fleet
#     - evidence.fleet_from_control_plane
#     - evidence.fleet_shrank
#     - evidence.live_row_in_dry_run
#     - evidence.not_enumerated
#     - evidence.proof_lost
halt contains finding if some finding in deny

# METADATA
# title: Halt at an uncertain fleet
# description: Attempts of the plan call enumerated different tenants, so no tenant is called.
# custom:
#   codes: [evidence.enumeration_differs]
halt contains finding if {
	not input.rollout.dry_run
	some finding in enumeration_differs
}

# METADATA
# title: Halt at misspelt fields
# description: The control plane reports something that is not read, so no further tenant is called.
# custom:
#   codes: [evidence.misspelt_field]
halt contains finding if {
	not input.rollout.dry_run
	some finding in misspelt_fields
}

misspelt_fields contains finding if {
	misspelt := [anomaly | some anomaly in input.anomalies; anomaly.kind == "misspelt_field"]
	fields := sort({sprintf("\"%s\" for %s", [anomaly.field, anomaly.known]) | some anomaly in misspelt})
	total_count := count(fields) + unlisted_total(misspelt)
	total_count > 0
	finding := {
		"code": "evidence.misspelt_field",
		"message": sprintf("%s misspelt: %s", [text.plural(total_count, "field is", "fields are"), field_names(fields, total_count)]),
		"observed": fields,
		"at": sprintf("%s#%s", [misspelt[0].input, misspelt[0].at]),
	}
}

enumeration_differs contains finding if {
	tenants := input.fleet.dropped
	count(tenants) > 0
	were := text.plural(count(tenants), "tenant was", "tenants were")
	finding := {
		"code": "evidence.enumeration_differs",
		"message": sprintf(
			"%s enumerated by another attempt of the plan call, and not by the one that counts%s",
			[were, lookalikes.hint(tenants)],
		),
		"tenants": tenants,
		"observed": count(tenants),
		"expected": 0,
		"at": "/fleet/dropped",
	}
}

fleet_from_control_plane contains finding if {
	not input.rollout.dry_run
	input.fleet.source == "plan_call"
	every file in input.provenance.inputs {
		file.role != "fleet"
	}
	finding := {
		"code": "evidence.fleet_from_control_plane",
		"message": "no inventory was given: a tenant that the control plane does not know could not be seen",
		"observed": "plan_call",
		"expected": "a fleet that is kept elsewhere",
		"at": "/fleet/source",
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

expects_tenants if input.fleet.source != "none"

# If nothing was enumerated, called or stopped, nothing was checked.
expects_tenants if {
	count(input.calls) == 0
	input.rollout.outcome in {"completed", "unknown"}
	not input.gates.plan_disabled
}

# The stragglers that the archive reports: those that it lists, or none if it reports success.
archived_stragglers := {trim_space(slug) | some slug in input.archive.stragglers; trim_space(slug) != ""} if {
	is_array(input.archive.stragglers)
} else := set() if {
	input.archive.ok == true
}

evident_stragglers := {tenant | some tenant in fleet.stragglers}

default disputed_stragglers := set()

disputed_stragglers := difference if {
	difference := (archived_stragglers - evident_stragglers) | (evident_stragglers - archived_stragglers)
}

archive_contradictions contains "names other stragglers" if {
	count(fleet.asserted) > 0
	count(disputed_stragglers) > 0
}

archive_contradictions contains "is called a success" if {
	fleet.tolerance_exceeded
	input.archive.ok == true
}

archive_contradictions contains "is called incomplete" if {
	count(fleet.asserted) > 0
	not fleet.tolerance_exceeded
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

contradicts_itself(row) if {
	row.running_image in proof.other_images
} else if {
	proof.reports_failure(row)
}

# A null reports as little as a field that is absent.
is_bare(row) if {
	statuses := {status | status := row.ssm_status; status != null}
	exit_codes := {code | code := row.ssm_exit_code; code != null}
	health := {healthy | healthy := row.healthz_ok; healthy != null}
	count(((statuses | exit_codes) | health)) == 0
}

# How often the given anomalies occur, including those that are not listed.
total(anomalies) := number if {
	number := sum([anomaly.count | some anomaly in anomalies]) + unlisted_total(anomalies)
}

unlisted_total(anomalies) := unlisted if unlisted := sum([anomaly.more | some anomaly in anomalies])

# The first ten of the listed names, and the number of the others.
field_names(listed, total_count) := shown if {
	count(listed) == total_count
	shown := text.names(listed)
}

field_names(listed, total_count) := shown if {
	count(listed) < total_count
	shown := sprintf("%s and %d more", [concat(", ", array.slice(listed, 0, 10)), total_count - 10])
}
