package rollproof.lib.summary_test

import data.rollproof.lib.summary

verified := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"verified_on_target": true}]}

assumed := {"planned": true, "tenants": ["cove"], "rows": [{"ssm_status": "Success"}]}

off_target := {"planned": true, "tenants": ["dune"], "rows": [{"verified_on_target": false}]}

errored := {
	"planned": true,
	"tenants": ["echo"],
	"rows": [{"ssm_exit_code": 2, "ssm_status": "Failed", "error": "secret"}],
}

dry_run := {"planned": true, "tenants": ["fern"], "rows": [{"ssm_status": "DryRun"}]}

unreached := {"planned": true, "tenants": ["gulf", "hive"], "rows": []}

unplanned := {"planned": false, "tenants": ["iris"], "rows": [{"verified_on_target": false}]}

every_kind := [verified, assumed, off_target, errored, dry_run, unreached, unplanned]

document(cohorts) := {
	"rollout": {"target_tag": "staging-new", "dry_run": false, "max_stragglers": 1},
	"fleet": {"source": "file", "tenants": 8},
	"cohorts": cohorts,
	"provenance": {"inputs": [{"role": "response", "name": "response.json"}, {"role": "fleet", "name": "fleet.json"}]},
}

# The reason why a tenant with these rows is not proven.
reason(rows) := text if {
	cohorts := summary.cohorts with input as document([{"planned": true, "tenants": ["acme"], "rows": rows}])
	images := [image | image := rows[cohorts[0].row].running_image; is_string(image)]
	text := concat(concat("", images), cohorts[0].reason)
}

test_cohorts_are_in_document_order if {
	cohorts := summary.cohorts with input as document(every_kind)
	states := [cohort.state | some cohort in cohorts]
	states == ["verified", "assumed", "off_target", "errored", "dry_run", "unreached", "off_target"]
}

test_verified_and_assumed_proven if {
	cohorts := summary.cohorts with input as document(every_kind)
	proven := [cohort.proven | some cohort in cohorts]
	proven == [true, true, false, false, false, false, false]
}

test_planned_unproven_are_stragglers if {
	cohorts := summary.cohorts with input as document(every_kind)
	stragglers := [cohort.straggler | some cohort in cohorts]
	stragglers == [false, false, true, true, true, true, false]
}

test_dry_run_has_no_straggler if {
	dry := object.union(document(every_kind), {"rollout": {"dry_run": true}})
	cohorts := summary.cohorts with input as dry
	quarantined := summary.quarantined with input as dry with data.rollproof.params as {"max_stragglers": 9}
	every cohort in cohorts {
		cohort.straggler == false
	}
	quarantined == false
}

test_proven_has_no_reason if {
	reason([{"verified_on_target": true}]) == ""
	reason([{}]) == ""
}

test_reason_unreached_names_fleet_file if {
	reason([]) == "skipped: enumerated in fleet.json, but no row answers for it"
}

test_reason_unreached_names_archive if {
	from_response := object.union(document([unreached]), {"fleet": {"source": "response"}, "provenance": {"inputs": []}})
	cohorts := summary.cohorts with input as from_response
	contains(cohorts[0].reason[0], "archive")
	startswith(cohorts[0].reason[0], "skipped: ")
}

test_reason_unreached_without_fleet_file if {
	cohorts := summary.cohorts with input as object.union(document([unreached]), {"provenance": {"inputs": []}})
	cohorts[0].reason[0] == "skipped: enumerated, but no row answers for it"
}

# The reason for a tenant without a row, after these calls.
reason_after_calls(cohort, calls) := text if {
	called := {"rollout": {"outcome": "halted"}, "fleet": {"source": "plan_call"}, "calls": calls}
	cohorts := summary.cohorts with input as object.union(document([cohort]), called)
	text := cohorts[0].reason[0]
}

successful_call := {"purpose": "batch", "tenants": ["gulf", "hive"], "ok": true, "attempts": [{"status": 200, "last": true}]}

test_reason_unreached_after_calls if {
	named := object.union(unreached, {"call": 0})
	reason_after_calls(named, [successful_call]) == "skipped: a call named it, but no row answers for it"
	startswith(reason_after_calls(unreached, [successful_call]), "not_called: ")
	startswith(reason_after_calls(named, [object.union(successful_call, {"ok": false})]), "call_failed: ")
	startswith(reason_after_calls(named, [object.union(successful_call, {"attempts": [{"last": false}]})]), "in_flight: ")
}

test_index_of_deciding_row if {
	rows := [{"verified_on_target": true}, {"ssm_status": "DryRun"}]
	twice := {"planned": true, "tenants": ["elm"], "rows": [{"ssm_status": "DryRun"}, {"ssm_status": "dryrun"}]}
	acme := {"planned": true, "tenants": ["acme"], "rows": rows}
	cohorts := summary.cohorts with input as document([acme, dry_run, unreached, twice])
	[cohort.row | some cohort in cohorts] == [0, 0, null, 1]
}

test_reason_dry_run if reason([{"ssm_status": "DryRun"}]) == "only dry-run rows answer for it"

test_reason_errored_lists_failures if {
	text := reason(errored.rows)
	contains(text, "exit code 2")
	contains(text, "status Failed")
	contains(text, "an error")
	not contains(text, "secret")
}

test_reason_errored_lists_only_failures if {
	text := reason([{"ssm_exit_code": 2, "ssm_status": "Success"}])
	contains(text, "exit code 2")
	not contains(text, "status")
	not contains(text, "an error")
}

test_reason_off_target_by_verified_on_target if {
	reason([{"verified_on_target": false}]) == "verified_on_target is false"
	reason([{"verified_on_target": null, "running_image": null}]) == "verified_on_target is null"
}

test_reason_off_target_names_image if {
	text := reason([{"verified_on_target": false, "running_image": "p:staging-old"}])
	text == "verified_on_target is false; runs p:staging-old"
}

test_reason_off_target_by_image if {
	contains(reason([{"running_image": "p:staging-old"}]), "runs p:staging-old, not staging-new")
}

test_reason_off_target_by_earlier_row if {
	contains(reason([{"verified_on_target": false}, {}]), "an earlier one says")
	contains(reason([{"verified_on_target": false}, {"running_image": "p:staging-new"}]), "an earlier one says")
}

test_tolerated_defaults_to_plan if {
	tolerated := summary.tolerated with input as document([]) with data.rollproof.params as {}
	tolerated == 1
}

test_tolerated_parameter_overrides_plan if {
	raised := summary.tolerated with input as document([]) with data.rollproof.params as {"max_stragglers": 5}
	lowered := summary.tolerated with input as document([]) with data.rollproof.params as {"max_stragglers": 0}
	[raised, lowered] == [5, 0]
}

test_tolerated_without_parameters if {
	tolerated := summary.tolerated with input as document([])
	tolerated == 1
}

test_quarantined_within_tolerance if {
	summary.quarantined with input as document([verified, off_target]) with data.rollproof.params as {}
}

test_not_quarantined_without_stragglers if {
	not summary.quarantined with input as document([verified, assumed, unplanned]) with data.rollproof.params as {}
}

test_not_quarantined_beyond_tolerance if {
	not summary.quarantined with input as document([verified, unreached]) with data.rollproof.params as {}
}

test_not_quarantined_where_nobody_is_proven if {
	not summary.quarantined with input as document([off_target]) with data.rollproof.params as {}
}

test_quarantined_is_never_undefined if {
	quarantined := summary.quarantined with input as document([]) with data.rollproof.params as {}
	quarantined == false
}

test_waived_stragglers_are_listed if {
	document := {
		"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": "unknown", "started_at": "2026-11-24T11:20:34Z"},
		"fleet": {"source": "file"},
		"cohorts": [{"planned": true, "tenants": ["acme", "bolt"], "rows": []}],
	}
	waiver := {"code": "coverage.incomplete", "tenants": ["bolt"], "granted": "2026-11-01", "expires": "2026-11-30"}
	summary.waived == {"bolt"} with input as document with data.rollproof.given.waivers as [waiver]
	summary.waived == set() with input as document
}

test_reservation_about_assumed_tenants if {
	many := summary.reservations with input as document([object.union(assumed, {"tenants": ["cove", "dune"]})])
	many == {"assumed": "their rows carry no verified_on_target"}
	one := summary.reservations with input as document(every_kind)
	one == {"assumed": "its rows carry no verified_on_target"}
}

test_progress_counts_called_tenants if {
	running := object.union(document(every_kind), {"calls": [], "rollout": {"outcome": "running"}})
	summary.progress == {"proven": 3, "not_proven": 3} with input as running
}

head(state) := {"gates": {"head": [{"state": state, "head": "1234567"}]}}

test_superseded_by_newer_commit_before_first_call if {
	superseded_by := summary.superseded_by with input as object.union(head("superseded"), {"calls": []})
	superseded_by == "1234567"
}

test_superseded_by_is_never_undefined if {
	latest := summary.superseded_by with input as object.union(head("latest"), {"calls": []})
	latest == null
	later := summary.superseded_by with input as object.union(head("superseded"), {"calls": [successful_call]})
	later == null
	unread := summary.superseded_by with input as {"calls": []}
	unread == null
}

test_fanned_out_beyond_the_canary if {
	canary := object.union(document([verified]), {"rollout": {"canary": "acme"}})
	summary.fanned_out with input as canary
}

test_fanned_out_without_a_canary if summary.fanned_out with input as document([assumed, off_target])

test_not_fanned_out_beyond_the_canary if {
	canary := object.union(document([assumed, off_target]), {"rollout": {"canary": "cove"}})
	fanned_out := summary.fanned_out with input as canary
	not fanned_out
}

test_not_fanned_out_without_proven_tenant if {
	fanned_out := summary.fanned_out with input as document([off_target])
	not fanned_out
}
