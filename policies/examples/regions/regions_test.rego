package examples.regions_test

import data.examples.regions

# A fleet with these numbers of proven and unproven tenants in each region.
document(fleets) := {
	"rollout": {"dry_run": false, "max_stragglers": 99, "outcome": "completed"},
	"fleet": {"source": "file", "tenants": 99},
	"calls": [],
	"cohorts": [cohort |
		some region, fleet in fleets
		some rows, number in {[{"verified_on_target": true}]: fleet.proven, []: fleet.behind}
		cohort := {
			"planned": true,
			"labels": {"region": region},
			"tenants": [sprintf("%s-%d", [region, n]) | some n in numbers.range(1, number)],
			"rows": rows,
		}
	],
	"anomalies": [],
	"provenance": {"inputs": []},
}

found(fleets) := stragglers if {
	findings := regions.deny with input as document(fleets)
	stragglers := {[finding.observed.region, finding.observed.stragglers] | some finding in findings}
}

test_at_the_limit_silent if found({"eu": {"proven": 19, "behind": 1}}) == set()

test_above_the_limit_denied if found({"eu": {"proven": 18, "behind": 1}}) == {["eu", 1]}

test_each_region_is_separate if {
	found({"eu": {"proven": 30, "behind": 1}, "us": {"proven": 3, "behind": 2}}) == {["us", 2]}
}

test_limit_is_a_parameter if {
	fleet := document({"eu": {"proven": 18, "behind": 1}})
	denied := regions.deny with input as fleet with data.rollproof.params as {"max_region_percent": 6}
	denied == set()
}

test_tenants_of_region_are_listed if {
	findings := regions.deny with input as document({"us": {"proven": 1, "behind": 2}})
	[finding.tenants | some finding in findings] == [["us-1", "us-2"]]
}
