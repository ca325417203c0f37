package rollproof.coverage_test

import data.rollproof.coverage

proven := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"verified_on_target": true}]}

assumed := {"planned": true, "tenants": ["cove", "dune"], "rows": [{"ssm_status": "Success"}]}

off_target := {"planned": true, "tenants": ["echo"], "rows": [{"verified_on_target": false}]}

unreached := {"planned": true, "tenants": ["fern"], "rows": []}

unplanned := {"planned": false, "tenants": ["gulf"], "rows": [{"ssm_status": "Success"}]}

# A fleet with this tolerance in its plan.
document(tolerated, cohorts) := {
	"rollout": {"target_tag": "staging-new", "dry_run": false, "max_stragglers": tolerated},
	"fleet": {"source": "file", "tenants": 6},
	"cohorts": cohorts,
	"provenance": {"inputs": []},
}

codes(findings) := {finding.code | some finding in findings}

tenants(findings, code) := {tenant |
	some finding in findings
	finding.code == code
	some tenant in finding.tenants
}

test_proven_fleet_silent if {
	coverage.deny == set() with input as document(0, [proven]) with data.rollproof.params as {}
	coverage.warn == set() with input as document(0, [proven]) with data.rollproof.params as {}
	coverage.note == set() with input as document(0, [proven]) with data.rollproof.params as {}
}

test_more_stragglers_than_tolerated_denied if {
	fleet := document(1, [proven, off_target, unreached])
	denied := coverage.deny with input as fleet with data.rollproof.params as {}
	warned := coverage.warn with input as fleet with data.rollproof.params as {}
	codes(denied) == {"coverage.incomplete"}
	count(denied) == 1
	tenants(denied, "coverage.incomplete") == {"echo", "fern"}
	warned == set()
}

test_message_has_count_and_target if {
	denied := coverage.deny with input as document(0, [proven, unreached, off_target]) with data.rollproof.params as {}
	some finding in denied
	startswith(finding.message, "2 tenants are not proven on staging-new")
}

test_stragglers_within_tolerance_quarantined if {
	fleet := document(2, [proven, off_target, unreached])
	denied := coverage.deny with input as fleet with data.rollproof.params as {}
	warned := coverage.warn with input as fleet with data.rollproof.params as {}
	denied == set()
	codes(warned) == {"coverage.quarantined"}
	tenants(warned, "coverage.quarantined") == {"echo", "fern"}
}

test_parameter_raises_tolerance if {
	fleet := document(0, [proven, unreached])
	denied := coverage.deny with input as fleet with data.rollproof.params as {"max_stragglers": 1}
	denied == set()
}

test_parameter_lowers_tolerance if {
	fleet := document(9, [proven, unreached])
	denied := coverage.deny with input as fleet with data.rollproof.params as {"max_stragglers": 0}
	codes(denied) == {"coverage.incomplete"}
}

test_one_tenant_fleet_unproven_denied if {
	fleet := document(1, [unreached])
	denied := coverage.deny with input as fleet with data.rollproof.params as {}
	warned := coverage.warn with input as fleet with data.rollproof.params as {}
	codes(denied) == {"coverage.unproven_fleet"}
	tenants(denied, "coverage.unproven_fleet") == {"fern"}
	warned == set()
}

test_unproven_fleet_beyond_tolerance_denied_twice if {
	denied := coverage.deny with input as document(0, [unreached, off_target]) with data.rollproof.params as {}
	codes(denied) == {"coverage.incomplete", "coverage.unproven_fleet"}
}

test_proven_tenant_outside_fleet_does_not_count if {
	outside_fleet := object.union(proven, {"planned": false})
	denied := coverage.deny with input as document(1, [unreached, outside_fleet]) with data.rollproof.params as {}
	codes(denied) == {"coverage.unproven_fleet"}
}

test_unplanned_unproven_silent if {
	outside_fleet := object.union(off_target, {"planned": false})
	coverage.deny == set() with input as document(0, [proven, outside_fleet]) with data.rollproof.params as {}
}

test_empty_fleet_silent if {
	coverage.deny == set() with input as document(0, []) with data.rollproof.params as {}
	coverage.deny == set() with input as document(0, [unplanned]) with data.rollproof.params as {}
}

test_assumed_noted if {
	noted := coverage.note with input as document(0, [proven, assumed, unplanned]) with data.rollproof.params as {}
	denied := coverage.deny with input as document(0, [proven, assumed]) with data.rollproof.params as {}
	codes(noted) == {"coverage.assumed"}
	tenants(noted, "coverage.assumed") == {"cove", "dune"}
	denied == set()
}

test_assumed_denied_where_proof_is_required if {
	fleet := document(0, [proven, assumed])
	noted := coverage.note with input as fleet with data.rollproof.params as {"require_proof": true}
	denied := coverage.deny with input as fleet with data.rollproof.params as {"require_proof": true}
	noted == set()
	codes(denied) == {"coverage.assumed"}
}

test_assumed_by_status_warned_or_denied if {
	by_status := {"mapping": {"proof": "status", "fields": ["ssm_status"]}}
	fleet := object.union(document(0, [proven, assumed]), by_status)
	warned := coverage.warn with input as fleet with data.rollproof.params as {}
	noted := coverage.note with input as fleet with data.rollproof.params as {}
	codes(warned) == {"coverage.assumed"}
	noted == set()
	required := {"require_proof": true}
	denied := coverage.deny with input as fleet with data.rollproof.params as required
	silent := coverage.warn with input as fleet with data.rollproof.params as required
	codes(denied) == {"coverage.assumed"}
	silent == set()
}

test_assumed_noted_without_parameters if {
	noted := coverage.note with input as document(0, [proven, assumed])
	explicit := coverage.note with input as document(0, [assumed]) with data.rollproof.params as {"require_proof": false}
	codes(noted) == {"coverage.assumed"}
	codes(explicit) == {"coverage.assumed"}
}

test_dry_run_silent if {
	dry := object.union(document(0, [assumed, unreached]), {"rollout": {"dry_run": true}})
	coverage.deny == set() with input as dry with data.rollproof.params as {"require_proof": true}
	coverage.warn == set() with input as dry with data.rollproof.params as {"max_stragglers": 9}
	coverage.note == set() with input as dry with data.rollproof.params as {}
}

test_fleet_not_enumerated_silent if {
	not_enumerated := object.union(document(0, [assumed, unreached]), {"fleet": {"source": "none"}})
	coverage.deny == set() with input as not_enumerated with data.rollproof.params as {"require_proof": true}
	coverage.note == set() with input as not_enumerated with data.rollproof.params as {}
}

running(cohorts) := {
	"rollout": {"dry_run": false, "max_stragglers": 1, "outcome": "running", "target_tag": "staging-new"},
	"fleet": {"source": "plan_call"},
	"calls": [{"tenants": ["a", "b"], "ok": true, "attempts": [{"status": 200, "last": true}]}],
	"cohorts": cohorts,
}

test_more_called_stragglers_than_tolerated_halt if {
	skipped_tenants := {"planned": true, "tenants": ["a", "b"], "rows": [], "call": 0}
	halts := coverage.halt with input as running([skipped_tenants])
	{finding.code | some finding in halts} == {"coverage.incomplete"}
}

test_tolerated_or_uncalled_stragglers_do_not_halt if {
	one := {"planned": true, "tenants": ["a"], "rows": [], "call": 0}
	rest := {"planned": true, "tenants": ["b", "c", "d"], "rows": []}
	halts := coverage.halt with input as running([one, rest])
	halts == set()
}

test_never_called_tenant_is_not_tolerated if {
	proven := {"planned": true, "tenants": ["a"], "rows": [{"verified_on_target": true}]}
	rest := {"planned": true, "tenants": ["b"], "rows": []}
	halted := object.union(running([proven, rest]), {"rollout": {"outcome": "halted"}})
	denied_live := coverage.deny with input as halted
	{finding.code | some finding in denied_live} == {"coverage.incomplete"}
	warned_live := coverage.warn with input as halted
	warned_live == set()
}

waiver(tenants) := {
	"code": "coverage.incomplete",
	"tenants": tenants,
	"granted": "2026-11-01",
	"expires": "2026-11-30",
}

test_waived_and_unwaived_stragglers_denied_separately if {
	dated := object.union(document(0, [proven, off_target, unreached]), {"rollout": {"started_at": "2026-11-24T11:20:34Z"}})
	findings := coverage.deny with input as dated with data.rollproof.given.waivers as [waiver(["echo"])]
	messages := {[finding.message, finding.tenants] | some finding in findings}
	messages == {["1 tenant is not proven on staging-new", ["fern"]], ["1 tenant is not proven on staging-new", {"echo"}]}
}

test_only_waived_stragglers_do_not_halt if {
	dated := object.union(document(0, [proven, off_target, unreached]), {"rollout": {"started_at": "2026-11-24T11:20:34Z"}})
	findings := coverage.deny with input as dated with data.rollproof.given.waivers as [waiver(["echo", "fern"])]
	tenants(findings, "coverage.incomplete") == {"echo", "fern"}
	count(findings) == 1
	halts := coverage.halt with input as dated with data.rollproof.given.waivers as [waiver(["echo", "fern"])]
	halts == set()
}

test_waived_stragglers_do_not_use_tolerance if {
	dated := object.union(document(1, [proven, off_target, unreached]), {"rollout": {"started_at": "2026-11-24T11:20:34Z"}})
	warnings := coverage.warn with input as dated with data.rollproof.given.waivers as [waiver(["echo"])]
	tenants(warnings, "coverage.quarantined") == {"fern"}
}

test_waiver_does_not_cover_unproven_fleet if {
	dated := object.union(document(1, [off_target]), {"rollout": {"started_at": "2026-11-24T11:20:34Z"}})
	findings := coverage.deny with input as dated with data.rollproof.given.waivers as [waiver(["echo"])]
	"coverage.unproven_fleet" in codes(findings)
}

test_not_applicable_in_a_dry_run_or_without_a_fleet if {
	coverage.not_applicable == "dry run" with input as {"rollout": {"dry_run": true}, "fleet": {"source": "none"}}
	coverage.not_applicable == "no fleet" with input as {"rollout": {"dry_run": false}, "fleet": {"source": "none"}}
	not coverage.not_applicable with input as document(0, [off_target])
}
