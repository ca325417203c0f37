package rollproof.evidence_test

import data.rollproof.evidence

keyed := {"planned": true, "tenants": ["acme"], "rows": [{"verified_on_target": true, "ssm_status": "Success"}]}

unkeyed := {"planned": true, "tenants": ["bolt"], "rows": [{"ssm_status": "Success"}]}

unreached := {"planned": true, "tenants": ["cove"], "rows": []}

document(cohorts) := {
	"rollout": {"target_tag": "staging-new", "dry_run": false, "max_stragglers": 0},
	"fleet": {"source": "file", "tenants": 3},
	"cohorts": cohorts,
	"anomalies": [],
	"provenance": {"inputs": []},
}

with_changes(base, changes) := changed if changed := object.union(base, changes)

as_dry_run(base) := changed if changed := object.union(base, {"rollout": {"dry_run": true}})

archived(archive, cohorts) := changed if changed := object.union(document(cohorts), {"archive": archive})

denied(doc) := findings if findings := evidence.deny with input as doc with data.rollproof.params as {}

warned(doc) := findings if findings := evidence.warn with input as doc with data.rollproof.params as {}

noted(doc) := findings if findings := evidence.note with input as doc with data.rollproof.params as {}

undecided(doc) := findings if findings := evidence.inconclusive with input as doc with data.rollproof.params as {}

# A document with a single tenant that has these rows.
single_tenant(rows) := doc if doc := document([{"planned": true, "tenants": ["dune"], "rows": rows}])

codes(findings) := {finding.code | some finding in findings}

tenants(findings) := {tenant | some finding in findings; some tenant in finding.tenants}

test_sufficient_evidence_silent if {
	doc := with_changes(document([keyed]), {"archive": {"ok": true}})
	denied(doc) == set()
	warned(doc) == set()
	noted(doc) == set()
	undecided(doc) == set()
}

test_no_fleet_inconclusive if {
	doc := with_changes(document([keyed]), {"fleet": {"source": "response"}})
	codes(undecided(doc)) == {"evidence.no_fleet"}
	warned(doc) == set()
}

test_no_fleet_warned_where_response_is_accepted if {
	doc := with_changes(document([keyed]), {"fleet": {"source": "response"}})
	warns := evidence.warn with input as doc with data.rollproof.params as {"fleet_from_response": true}
	codes(warns) == {"evidence.no_fleet"}
	evidence.inconclusive == set() with input as doc with data.rollproof.params as {"fleet_from_response": true}
}

test_no_fleet_inconclusive_without_parameters if {
	findings := evidence.inconclusive with input as with_changes(document([keyed]), {"fleet": {"source": "response"}})
	codes(findings) == {"evidence.no_fleet"}
}

test_independent_fleet_silent if {
	undecided(with_changes(document([keyed]), {"fleet": {"source": "plan_call"}})) == set()
	undecided(with_changes(document([keyed]), {"fleet": {"source": "none"}})) == set()
}

test_no_fleet_silent_in_dry_run if undecided(as_dry_run(with_changes(document([]), {"fleet": {"source": "response"}}))) == set()

test_empty_fleet_denied if {
	doc := with_changes(document([]), {"fleet": {"tenants": 0}})
	codes(denied(doc)) == {"evidence.empty_fleet"}
	codes(denied(as_dry_run(doc))) == {"evidence.empty_fleet"}
	codes(denied(with_changes(doc, {"fleet": {"source": "response"}}))) == {"evidence.empty_fleet"}
}

test_empty_fleet_silent_if_not_enumerated if {
	denied(with_changes(document([]), {"fleet": {"source": "none", "tenants": 0}})) == set()
}

test_duplicate_in_fleet_warned if {
	doc := with_changes(document([keyed]), {"fleet": {"duplicates": ["acme"]}})
	codes(warned(doc)) == {"evidence.duplicate_in_fleet"}
	tenants(warned(doc)) == {"acme"}
	codes(warned(as_dry_run(doc))) == {"evidence.duplicate_in_fleet"}
}

test_tenants_that_look_alike_warned if {
	lookalikes := [{"name": "Acme", "tenant": "acme", "differs_in": ["case"]}]
	twins := with_changes(document([keyed, object.union(keyed, {"tenants": ["Acme"]})]), {"fleet": {"lookalikes": lookalikes}})
	some finding in warned(twins)
	finding.code == "evidence.duplicate_in_fleet"
	finding.message == "2 tenants of the fleet look alike; Acme differs only in case from acme"
	finding.tenants == {"Acme", "acme"}
}

test_row_that_looks_like_a_tenant_is_no_duplicate if {
	stranger := {"planned": false, "tenants": ["Acme"], "rows": [{"verified_on_target": true}]}
	lookalikes := [{"name": "Acme", "tenant": "acme", "differs_in": ["case"]}]
	doc := with_changes(document([keyed, stranger]), {"fleet": {"lookalikes": lookalikes}})
	codes(warned(doc)) == {"evidence.unplanned_tenants"}
	some finding in warned(doc)
	endswith(finding.message, "not in the fleet; Acme differs only in case from acme")
}

test_no_duplicate_silent if warned(with_changes(document([keyed]), {"fleet": {"duplicates": []}})) == set()

test_mixed_proof_warned if {
	doc := document([keyed, unkeyed, unreached])
	codes(warned(doc)) == {"evidence.mixed_proof"}
	tenants(warned(doc)) == {"bolt"}
}

test_mixed_proof_with_null_key_warned if {
	null_key := {"planned": true, "tenants": ["dune"], "rows": [{"verified_on_target": null}]}
	tenants(warned(document([null_key, unkeyed]))) == {"bolt"}
}

test_mixed_proof_ignores_dry_run_rows if {
	warned(document([unkeyed, {"planned": true, "tenants": ["dune"], "rows": [
		{"ssm_status": "DryRun", "verified_on_target": true},
		{"ssm_status": "Success"},
	]}])) == set()
}

test_uniform_proof_silent if {
	warned(document([keyed, unreached])) == set()
	warned(document([unkeyed, unreached])) == set()
}

test_mixed_proof_silent_in_dry_run if warned(as_dry_run(document([keyed, unkeyed]))) == set()

test_conflicting_rows_warned if {
	doc := single_tenant([{"verified_on_target": true}, {"verified_on_target": false}])
	codes(warned(doc)) == {"evidence.conflicting_rows"}
	tenants(warned(doc)) == {"dune"}
	warned(as_dry_run(doc)) == set()
}

test_missing_key_conflicts_with_true_key if {
	codes(warned(single_tenant([{"ssm_status": "Success"}, {"verified_on_target": true}]))) == {"evidence.conflicting_rows"}
}

test_agreeing_rows_silent if {
	warned(single_tenant([{"verified_on_target": false}, {"verified_on_target": null}])) == set()
	warned(single_tenant([{"verified_on_target": true}, {"verified_on_target": true, "healthz_ok": true}])) == set()
}

test_dry_run_row_does_not_conflict if {
	warned(single_tenant([{"ssm_status": "DryRun"}, {"verified_on_target": true}])) == set()
}

test_bare_row_warned if {
	doc := single_tenant([{"running_image": "p:staging-new"}])
	codes(warned(doc)) == {"evidence.bare_row"}
	tenants(warned(doc)) == {"dune"}
	warned(as_dry_run(doc)) == set()
}

test_row_of_nulls_is_bare if {
	codes(warned(single_tenant([{"ssm_status": null, "ssm_exit_code": null, "healthz_ok": null}]))) == {"evidence.bare_row"}
}

test_row_with_result_is_not_bare if {
	warned(single_tenant([{"ssm_status": "Success"}])) == set()
	warned(single_tenant([{"ssm_exit_code": 0}])) == set()
	warned(single_tenant([{"healthz_ok": false}])) == set()
}

test_bare_row_of_other_state_silent if {
	warned(single_tenant([{"verified_on_target": true}])) == set()
	warned(single_tenant([{"error": "x"}])) == set()
}

test_contradiction_warned if {
	doc := single_tenant([{"verified_on_target": true, "ssm_exit_code": 2}])
	codes(warned(doc)) == {"evidence.contradiction"}
	tenants(warned(doc)) == {"dune"}
	warned(as_dry_run(doc)) == set()
}

test_contradicting_image_warned if {
	codes(warned(single_tenant([{"verified_on_target": true, "running_image": "p:staging-old"}]))) == {"evidence.contradiction"}
}

test_contradicting_failures_make_one_finding if {
	row := {"verified_on_target": true, "error": "x", "ssm_status": "Failed", "running_image": "p:staging-old"}
	count(warned(single_tenant([row]))) == 1
}

test_failure_of_unverified_row_silent if {
	warned(single_tenant([{"verified_on_target": false, "error": "x", "running_image": "p:staging-old"}])) == set()
}

test_unplanned_tenants_warned if {
	doc := document([keyed, {"planned": false, "tenants": ["echo"], "rows": [{"verified_on_target": true}]}])
	codes(warned(doc)) == {"evidence.unplanned_tenants"}
	tenants(warned(doc)) == {"echo"}
}

test_unplanned_tenants_warned_in_dry_run if {
	doc := as_dry_run(document([{"planned": false, "tenants": ["echo"], "rows": [{"ssm_status": "DryRun"}]}]))
	codes(warned(doc)) == {"evidence.unplanned_tenants"}
}

test_unattributed_row_warned if {
	doc := with_changes(document([keyed]), {"anomalies": [
		{"kind": "unattributed_row", "input": "response.json", "at": "/results/3", "count": 1},
		{"kind": "unattributed_row", "input": "response.json", "at": "/results/7", "count": 1},
	]})
	codes(warned(doc)) == {"evidence.unattributed_row"}
	codes(warned(as_dry_run(doc))) == {"evidence.unattributed_row"}
	some finding in warned(doc)
	finding.at == "response.json#/results/3"
	startswith(finding.message, "2 rows belong to nobody")
	noted(doc) == set()
}

test_unattributed_rows_are_summed if {
	rows := [
		{"kind": "unattributed_row", "input": "response.json", "at": "/results/3", "count": 1},
		{"kind": "unattributed_row", "input": "response.json", "at": "/results/7", "count": 40},
	]
	some finding in warned(with_changes(document([keyed]), {"anomalies": rows}))
	startswith(finding.message, "41 rows belong to nobody")
	finding.observed == ["response.json#/results/3", "response.json#/results/7"]
}

test_skipped_items_noted if {
	doc := with_changes(document([keyed]), {"anomalies": [
		{"kind": "skipped_item", "input": "apps.json", "at": "/3", "reason": "not a tenant", "count": 1},
		{"kind": "skipped_item", "input": "apps.json", "at": "/7", "reason": "not a tenant", "count": 1, "more": 40},
	]})
	codes(noted(doc)) == {"evidence.skipped_item"}
	codes(noted(as_dry_run(doc))) == {"evidence.skipped_item"}
	some finding in noted(doc)
	finding.at == "apps.json#/3"
	finding.observed == ["apps.json#/3", "apps.json#/7"]
	finding.message == "42 items are skipped by the mapping: not a tenant"
	warned(doc) == set()
}

test_unknown_field_noted if {
	doc := with_changes(document([keyed]), {"anomalies": [
		{"kind": "unknown_field", "input": "response.json", "at": "/results/0/foo", "field": "foo", "count": 41},
		{"kind": "unknown_field", "input": "response.json", "at": "/results/0/bar", "field": "bar", "count": 1},
	]})
	codes(noted(doc)) == {"evidence.unknown_field"}
	codes(noted(as_dry_run(doc))) == {"evidence.unknown_field"}
	some finding in noted(doc)
	contains(finding.message, "bar, foo")
	finding.at == "response.json#/results/0/foo"
	warned(doc) == set()
}

test_fleet_from_control_plane_noted_or_denied if {
	sources := {"fleet": {"source": "plan_call"}, "provenance": {"inputs": [{"role": "plan"}]}}
	doc := with_changes(document([keyed]), sources)
	codes(noted(doc)) == {"evidence.fleet_from_control_plane"}
	noted(as_dry_run(doc)) == set()
	given := with_changes(doc, {"provenance": {"inputs": [{"role": "plan"}, {"role": "fleet"}]}})
	noted(given) == set()
	required := {"require_inventory": true}
	denies := evidence.deny with input as doc with data.rollproof.params as required
	codes(denies) == {"evidence.fleet_from_control_plane"}
	halts := evidence.halt with input as doc with data.rollproof.params as required
	codes(halts) == {"evidence.fleet_from_control_plane"}
	evidence.note == set() with input as doc with data.rollproof.params as required
	evidence.deny == set() with input as given with data.rollproof.params as required
}

test_misspelt_field_is_inconclusive_and_halts if {
	misspelt := {
		"kind": "misspelt_field",
		"input": "response.json",
		"at": "/results/0/healthzOk",
		"field": "healthzOk",
		"known": "healthz_ok",
		"count": 2,
	}
	doc := with_changes(document([keyed]), {"anomalies": [misspelt]})
	some finding in undecided(doc)
	finding.code == "evidence.misspelt_field"
	finding.message == "1 field is misspelt: \"healthzOk\" for healthz_ok"
	finding.at == "response.json#/results/0/healthzOk"
	codes(undecided(as_dry_run(doc))) == {"evidence.misspelt_field"}
	undecided(document([keyed])) == set()
	halts := evidence.halt with input as doc
	codes(halts) == {"evidence.misspelt_field"}
	dry_halts := evidence.halt with input as as_dry_run(doc)
	codes(dry_halts) == {"evidence.live_row_in_dry_run"}
}

test_archive_with_same_verdict_silent if {
	warned(archived({"ok": true}, [keyed])) == set()
	warned(archived({"ok": false, "stragglers": ["cove"]}, [keyed, unreached])) == set()
	warned(archived({"ok": false, "error": "incomplete rollout: 1"}, [keyed, unreached])) == set()
	warned(archived({"ok": false, "error": "HTTP 500"}, [keyed])) == set()
}

test_archive_without_verdict_silent if {
	warned(archived({}, [keyed, unreached])) == set()
	warned(archived({"ok": null, "stragglers": null}, [keyed, unreached])) == set()
	warned(document([keyed, unreached])) == set()
}

test_archive_with_other_stragglers_warned if {
	doc := archived({"ok": false, "stragglers": ["acme"]}, [keyed, unreached])
	codes(warned(doc)) == {"evidence.archived_verdict"}
	tenants(warned(doc)) == {"acme", "cove"}
}

test_archive_with_padded_and_blank_names_silent if {
	warned(archived({"ok": false, "stragglers": [" cove\n", "", " "]}, [keyed, unreached])) == set()
}

test_archive_with_too_few_stragglers_warned if {
	doc := with_changes(archived({"ok": true, "stragglers": []}, [keyed, unreached]), {"rollout": {"max_stragglers": 1}})
	codes(warned(doc)) == {"evidence.archived_verdict"}
	tenants(warned(doc)) == {"cove"}
}

test_ok_archive_beyond_tolerance_warned if {
	doc := archived({"ok": true, "stragglers": ["cove"]}, [keyed, unreached])
	codes(warned(doc)) == {"evidence.archived_verdict"}
	tenants(warned(doc)) == set()
}

test_ok_archive_within_tolerance_silent if {
	doc := archived({"ok": true, "stragglers": ["cove"]}, [keyed, unreached])
	findings := evidence.warn with input as doc with data.rollproof.params as {"max_stragglers": 1}
	findings == set()
}

test_ok_archive_without_proven_tenant_warned if {
	doc := with_changes(archived({"ok": true, "stragglers": ["cove"]}, [unreached]), {"rollout": {"max_stragglers": 1}})
	codes(warned(doc)) == {"evidence.archived_verdict"}
}

test_incomplete_archive_within_tolerance_warned if {
	codes(warned(archived({"ok": false, "error": "incomplete rollout: 1"}, [keyed]))) == {"evidence.archived_verdict"}
}

test_archived_verdicts_make_one_finding if {
	count(warned(archived({"ok": true}, [keyed, unreached]))) == 1
}

test_archived_verdict_silent_in_dry_run if warned(as_dry_run(archived({"ok": true}, [unreached]))) == set()

test_live_row_in_dry_run_denied if {
	dry_run_only := {"planned": true, "tenants": ["dune"], "rows": [{"ssm_status": "DryRun"}]}
	doc := as_dry_run(document([keyed, unreached, dry_run_only]))
	codes(denied(doc)) == {"evidence.live_row_in_dry_run"}
	tenants(denied(doc)) == {"acme"}
}

test_dry_run_rows_in_dry_run_silent if denied(as_dry_run(single_tenant([{"ssm_status": "dryRUN"}]))) == set()

test_live_row_in_live_run_silent if denied(document([keyed])) == set()

test_no_plan_noted if {
	doc := with_changes(object.remove(document([keyed]), ["rollout"]), {"rollout": {"dry_run": false, "max_stragglers": 0}})
	codes(noted(doc)) == {"evidence.no_plan"}
}

with_anomaly(kind) := {
	"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": "running", "target_tag": "t"},
	"fleet": {"source": "plan_call", "tenants": 1},
	"calls": [{"tenants": [], "attempts": [{"last": true}]}],
	"cohorts": [],
	"anomalies": [{"kind": kind, "input": "control plane", "at": "/calls/0/results/0", "tenant": "x", "count": 1}],
}

codes_of(findings) := {finding.code | some finding in findings}

test_live_row_in_plan_call_denies_and_halts if {
	found := evidence.deny with input as with_anomaly("live_row_in_plan_call")
	codes_of(found) == {"evidence.live_row_in_dry_run"}
	halts := evidence.halt with input as with_anomaly("live_row_in_plan_call")
	codes_of(halts) == {"evidence.live_row_in_dry_run"}
}

test_unrequested_row_warned if {
	found := evidence.warn with input as with_anomaly("unrequested_row")
	codes_of(found) == {"evidence.unrequested_row"}
}

test_inventory_not_enumerated_denies_and_halts if {
	with_inventory := object.union(with_anomaly("x"), {"fleet": {"inventory": ["gone"]}})
	found := evidence.deny with input as with_inventory
	codes_of(found) == {"evidence.not_enumerated"}
	halts := evidence.halt with input as with_inventory
	codes_of(halts) == {"evidence.not_enumerated"}
}

test_nothing_checked_denied if {
	nothing_checked := object.union(with_anomaly("x"), {"fleet": {"source": "none", "tenants": 0}, "calls": []})
	every outcome in ["completed", "unknown"] {
		found := evidence.deny with input as object.union(nothing_checked, {"rollout": {"outcome": outcome}})
		codes_of(found) == {"evidence.empty_fleet"}
	}
	every outcome in ["running", "halted", "interrupted"] {
		found := evidence.deny with input as object.union(nothing_checked, {"rollout": {"outcome": outcome}})
		found == set()
	}
	disabled := object.union(nothing_checked, {"rollout": {"outcome": "unknown"}, "gates": {"plan_disabled": "x"}})
	stopped := evidence.deny with input as disabled
	stopped == set()
}

test_dropped_tenants_are_inconclusive_and_halt if {
	doc := object.union(with_anomaly("x"), {"fleet": {"dropped": ["dune"]}})
	found := evidence.inconclusive with input as doc
	codes_of(found) == {"evidence.enumeration_differs"}
	some finding in found
	finding.tenants == ["dune"]
	startswith(finding.message, "1 tenant was enumerated by another attempt")
	halts := evidence.halt with input as doc
	codes_of(halts) == {"evidence.enumeration_differs"}
}

test_dropped_tenants_in_dry_run_do_not_halt if {
	doc := as_dry_run(object.union(with_anomaly("x"), {"fleet": {"dropped": ["dune", "echo"]}}))
	found := evidence.inconclusive with input as doc
	codes_of(found) == {"evidence.enumeration_differs"}
	halts := evidence.halt with input as doc
	halts == set()
}

test_no_dropped_tenants_silent if {
	doc := object.union(with_anomaly("x"), {"fleet": {"dropped": []}})
	found := evidence.inconclusive with input as doc
	found == set()
}

test_unlisted_rows_are_counted if {
	anomaly := object.union(with_anomaly("unrequested_row").anomalies[0], {"more": 41})
	found := evidence.warn with input as object.union(with_anomaly("x"), {"anomalies": [anomaly]})
	some finding in found
	startswith(finding.message, "42 rows are each for")
}

test_unlisted_fields_are_counted if {
	fields := [field | some i in numbers.range(1, 20); field := {
		"kind": "unknown_field",
		"input": "response.json",
		"at": "/results/0",
		"field": sprintf("f%d", [i]),
		"count": 1,
		"more": 5,
	}]
	last := [object.union(field, {"more": 0}) | some i, field in fields; i < 19]
	doc := with_changes(document([keyed]), {"anomalies": array.concat(last, array.slice(fields, 19, 20))})
	some finding in noted(doc)
	startswith(finding.message, "25 fields are unknown: f1, ")
	endswith(finding.message, " and 15 more")
}

# The previous rollout had these tenants, all of them verified.
before(names) := {
	"summary": {"fleet": count(names), "states": {"verified": count(names)}},
	"stragglers": [],
	"rollout": {"tenants": names},
}

test_fleet_shrank_denied_and_halts if {
	previous := before(["acme", "dune", "eden"])
	findings := evidence.deny with input as document([keyed]) with data.previous as previous
	{finding.message | some finding in findings} == {"2 tenants of the previous fleet are not enumerated, and not retired"}
	tenants(findings) == {"dune", "eden"}
	halts := evidence.halt with input as document([keyed]) with data.previous as previous
	codes(halts) == {"evidence.fleet_shrank"}
	retired := ["dune", "eden"]
	evidence.deny == set() with input as document([keyed])
		with data.previous as previous
		with data.rollproof.given.retired as retired
}

test_fleet_shrank_without_names_denied if {
	report := object.remove(before(["a", "b", "c", "d"]), ["rollout"])
	findings := evidence.deny with input as document([keyed]) with data.previous as report
	{[finding.message, finding.expected, finding.tenants] | some finding in findings} == set()
	{[finding.message, finding.expected] | some finding in findings} == {[
		"1 tenant fewer is enumerated than in the previous rollout, whose report does not name them",
		"at least 4",
	]}
}

test_proof_lost_denied if {
	previous := before(["acme", "bolt"])
	findings := evidence.deny with input as document([keyed, unkeyed]) with data.previous as previous
	codes(findings) == {"evidence.proof_lost"}
	tenants(findings) == {"bolt"}
	evidence.deny == set() with input as document([keyed]) with data.previous as before(["acme"])
}
