package examples.tier_health_test

import data.examples.tier_health

# A tier with this many tenants, some of which are unhealthy.
tier(name, healthy, unhealthy) := [
	cohort(sprintf("%s-well", [name]), healthy, {"healthz_ok": true}, {"tier": name}),
	cohort(sprintf("%s-sick", [name]), unhealthy, {"healthz_ok": false}, {"tier": name}),
]

cohort(prefix, many, row, labels) := {
	"planned": true,
	"tenants": [sprintf("%s-%d", [prefix, i]) | some i in numbers.range(1, many)],
	"rows": [row],
	"labels": labels,
}

findings(cohorts) := found if {
	document := {"rollout": {"dry_run": false}, "cohorts": cohorts}
	found := tier_health.deny with input as document
}

test_two_percent_allowed if {
	count(findings(tier("gold", 98, 2))) == 0
}

test_more_than_two_percent_denied if {
	some finding in findings(array.concat(tier("gold", 97, 3), tier("free", 98, 2)))
	finding.message == "3 of 100 tenants of the tier gold are unhealthy"
	finding.tenants == {"gold-sick-1", "gold-sick-2", "gold-sick-3"}
}

test_each_tier_counts_alone if {
	count(findings(array.concat(tier("gold", 1, 1), tier("free", 98, 2)))) == 1
}

test_parameter_allows_more if {
	found := findings(tier("gold", 90, 10)) with data.rollproof.params as {"unhealthy_percent": 10}
	count(found) == 0
}

test_last_row_counts if {
	recovered := object.union(tier("gold", 1, 1)[1], {"rows": [{"healthz_ok": false}, {"healthz_ok": true}]})
	count(findings([recovered])) == 0
}

test_without_tier_or_rows_silent if {
	without_tier := cohort("x", 1, {"healthz_ok": false}, {})
	without_rows := object.union(tier("gold", 1, 1)[0], {"rows": []})
	count(findings([without_tier, without_rows])) == 0
}

test_dry_run_silent if {
	dry := {"rollout": {"dry_run": true}, "cohorts": tier("gold", 1, 1)}
	count(tier_health.deny) == 0 with input as dry
}

test_halts if {
	document := {"rollout": {"dry_run": false}, "cohorts": tier("gold", 1, 1)}
	count(tier_health.halt) == 1 with input as document
}
