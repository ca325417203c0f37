package rollproof.build_test

import data.rollproof.build

sha := "abcdef1000000000000000000000000000000000"

other := "1234567000000000000000000000000000000000"

url := "https://{slug}.tenants.example/buildinfo"

verified := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"verified_on_target": true}]}

assumed := {"planned": true, "tenants": ["cove"], "rows": [{"ssm_status": "Success"}]}

straggling := {"planned": true, "tenants": ["dune"], "rows": [{"verified_on_target": false}]}

outside_fleet := {"planned": false, "tenants": ["iris"], "rows": [{"verified_on_target": true}]}

# A rollout whose builds were probed, if there are probes.
document(probes) := {
	"rollout": {
		"target_tag": "staging-abcdef1",
		"target_sha": sha,
		"dry_run": false,
		"max_stragglers": 1,
		"outcome": "completed",
	},
	"fleet": {"source": "plan_call"},
	"calls": [],
	"cohorts": [verified, assumed, straggling, outside_fleet],
	"probes": probes,
}

proven_tenants := ["acme", "bolt", "cove"]

# The same answer from every proven tenant, after three rounds.
answers_of_all(answer) := [object.union({"url": url, "tenants": proven_tenants, "asked": 3}, answer)]

# The denials if every proven tenant gives the same answer.
denied(answer) := findings if findings := build.deny with input as document(answers_of_all(answer))

# The codes of these denials.
codes(answer) := found if found := {finding.code | some finding in denied(answer)}

message(answer) := text if {
	some finding in denied(answer)
	text := finding.message
}

commit(text) := {"status": 200, "git_sha": text}

test_target_commit_silent if denied(commit(sha)) == set()

test_same_commit_spelled_differently_silent if {
	denied(commit("abcdef1")) == set()
	denied(commit(" ABCDEF1000 ")) == set()
	short := object.union(document(answers_of_all(commit(sha))), {"rollout": {"target_sha": "abcdef1"}})
	short_denied := build.deny with input as short
	short_denied == set()
	odd := object.union(document(answers_of_all(commit("v1"))), {"rollout": {"target_sha": "V1"}})
	odd_denied := build.deny with input as odd
	odd_denied == set()
}

test_other_commit_stale if {
	codes(commit(other)) == {"build.stale"}
	message(commit(other)) == sprintf("3 tenants are stale: /buildinfo says %s, not %s; asked 3 times", [other, sha])
}

test_prefix_too_short_stale if {
	codes(commit("abcdef")) == {"build.stale"}
	codes(commit("abcdef1-dirty")) == {"build.stale"}
}

test_too_long_or_short_target_stale if {
	codes(commit("abcdef10000000000000000000000000000000001")) == {"build.stale"}
	short := object.union(document(answers_of_all(commit("abcdef1"))), {"rollout": {"target_sha": "abc"}})
	findings := build.deny with input as short
	{finding.code | some finding in findings} == {"build.stale"}
}

# A prefix matches only if it has hexadecimal digits alone.
test_prefix_needs_hexadecimal_digits if {
	every letter in {"0", "9", "a", "f"} {
		codes := codes_with_longer_target(sprintf("abcdef%s", [letter]))
		codes == set()
	}
	every letter in {"/", ":", "`", "g", "-"} {
		codes := codes_with_longer_target(sprintf("abcdef%s", [letter]))
		codes == {"build.stale"}
	}
}

test_prefix_needs_length_of_a_commit if {
	digits := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
	every length in {7, 40, 64} {
		codes := codes_with_longer_target(substring(digits, 0, length))
		codes == set()
	}
	every length in {6, 41, 63, 65} {
		codes := codes_with_longer_target(substring(digits, 0, length))
		codes == {"build.stale"}
	}
}

# The codes that are denied if every tenant reports a spelling with which the target begins.
codes_with_longer_target(spelling) := found if {
	longer := object.union(document(answers_of_all(commit(spelling))), {"rollout": {"target_sha": sprintf("%s1", [spelling])}})
	findings := build.deny with input as longer
	found := {finding.code | some finding in findings}
}

test_text_that_is_no_commit_is_not_in_message if {
	hostile := "\n::error::pwned"
	codes(commit(hostile)) == {"build.stale"}
	not contains(message(commit(hostile)), "pwned")
	some finding in denied(commit(hostile))
	finding.observed == [{"url": url, "asked": 3, "status": 200, "git_sha": hostile}]
}

test_no_target_commit_stale if {
	unknown := json.remove(document(answers_of_all(commit(sha))), ["rollout/target_sha"])
	findings := build.deny with input as unknown
	{finding.code | some finding in findings} == {"build.stale"}
	some finding in findings
	contains(finding.message, "the rollout names no commit")
}

test_unwired_commits if {
	codes(commit("dev")) == {"build.unwired"}
	codes(commit(" DEV ")) == {"build.unwired"}
	codes(commit("")) == {"build.unwired"}
	codes(commit("0000000000000000000000000000000000000000")) == {"build.unwired"}
	codes(commit("0")) == {"build.unwired"}
	codes(commit(null)) == {"build.unwired"}
	codes({"status": 200}) == {"build.unwired"}
}

test_unwired_messages if {
	contains(message(commit("dev")), "/buildinfo says the commit dev; asked 3 times")
	contains(message(commit(" ")), "an empty commit")
	contains(message(commit("000")), "a commit of zeros")
	contains(message(commit(null)), "no commit")
}

test_unwired_target_is_unwired if {
	dev := object.union(document(answers_of_all(commit("dev"))), {"rollout": {"target_sha": "dev"}})
	findings := build.deny with input as dev
	{finding.code | some finding in findings} == {"build.unwired"}
}

test_unreachable if {
	codes({"error": "timed out"}) == {"build.unreachable"}
	message({"error": "timed out"}) == "3 tenants are unreachable: no answer came; asked 3 times"
	refused := {"kind": "refused", "reason": "the connection was refused"}
	message({"failure": refused}) == "3 tenants are unreachable: the connection was refused; asked 3 times"
	quoting := {"status": 200, "error": "junk", "failure": {"kind": "html", "reason": "begins with <html>"}}
	endswith(message(quoting), "HTTP 200, and no build can be read from the answer; asked 3 times")
	contains(message({"status": 302}), "HTTP 302")
	contains(message({"status": 403, "error": "secret"}), "HTTP 403")
	contains(message({"status": 200, "error": "junk"}), "no build can be read")
	not contains(message({"status": 200, "error": "junk"}), "junk")
	codes({"status": 404, "git_sha": sha}) == {"build.unreachable"}
	codes({"status": 200, "git_sha": sha, "error": "cut short"}) == {"build.unreachable"}
}

test_never_asked_unreachable if {
	message({"asked": 0}) == "3 tenants are unreachable: probing ended before any answer"
	endswith(message({"asked": 0, "error": "slug"}), "the slug cannot stand in a URL, so nobody asked")
}

test_codes_make_separate_findings if {
	probes := [
		{"url": url, "tenants": ["acme"], "asked": 2, "status": 200, "git_sha": other},
		{"url": url, "tenants": ["bolt"], "asked": 2, "status": 503},
		{"url": url, "tenants": ["cove"], "asked": 2, "status": 200, "git_sha": "dev"},
	]
	findings := build.deny with input as document(probes)
	{[finding.code, finding.tenants, finding.at] | some finding in findings} == {
		["build.stale", ["acme"], "/probes/0"],
		["build.unreachable", ["bolt"], "/probes/1"],
		["build.unwired", ["cove"], "/probes/2"],
	}
}

test_same_message_makes_one_finding if {
	probes := [
		{"url": url, "tenants": ["acme"], "asked": 1, "error": "refused by 10.0.0.1"},
		{"url": url, "tenants": ["bolt", "cove"], "asked": 1, "error": "refused by 10.0.0.2"},
	]
	findings := build.deny with input as document(probes)
	count(findings) == 1
	some finding in findings
	finding.message == "3 tenants are unreachable: no answer came; asked 1 time"
	finding.tenants == proven_tenants
	count(finding.observed) == 2
}

test_unprobed_tenant_unreachable if {
	probes := [{"url": url, "tenants": ["acme", "bolt"], "asked": 1, "status": 200, "git_sha": sha}]
	findings := build.deny with input as document(probes)
	{[finding.code, finding.tenants] | some finding in findings} == {["build.unreachable", {"cove"}]}
}

test_nothing_probed_denied if {
	findings := build.deny with input as document([])
	{finding.code | some finding in findings} == {"build.nothing_probed"}
	none_proven := object.union(document([]), {"cohorts": [straggling]})
	denials := build.deny with input as none_proven
	{finding.message | some finding in denials} == {"builds were to be probed, and nobody was: 0 tenants are proven"}
}

test_not_probed_silent if {
	findings := build.deny with input as json.remove(document([]), ["probes"])
	findings == set()
	first := build.first_probe_cohorts with input as json.remove(document([]), ["probes"])
	first == set()
}

# Rollouts whose builds are not evaluated, whatever the probes say.
not_evaluated := [
	{"rollout": {"dry_run": true}},
	{"rollout": {"outcome": "halted"}},
	{"rollout": {"outcome": "interrupted"}},
	{"rollout": {"outcome": "running"}},
	{"gates": {"head": [{"state": "latest"}, {"state": "superseded"}]}},
]

test_rollouts_without_normal_end_silent if {
	probes_of_rollouts := [[], answers_of_all({"status": 503}), answers_of_all(commit(other)), answers_of_all(commit("dev"))]
	rollouts := [object.union(document(probes), change) | some probes in probes_of_rollouts; some change in not_evaluated]
	count(rollouts) == 20
	every rollout in rollouts {
		findings := build.deny with input as rollout
		findings == set()
		first := build.first_probe_cohorts with input as rollout
		first == set()
	}
}

test_latest_head_does_not_silence if {
	rollout := object.union(document([]), {"gates": {"head": [{"state": "latest"}]}})
	findings := build.deny with input as rollout
	count(findings) == 1
}

test_proven_tenants_of_fleet_are_probed_first if {
	first := build.first_probe_cohorts with input as document([])
	first == {0, 1}
	repeated := build.probes_to_repeat with input as document([])
	repeated == set()
}

test_tenants_not_on_commit_are_probed_again if {
	probes := [
		{"url": url, "tenants": ["acme"], "asked": 0},
		{"url": url, "tenants": ["bolt"], "asked": 1, "status": 200, "git_sha": sha},
		{"url": url, "tenants": ["cove"], "asked": 1, "status": 200, "git_sha": "dev"},
	]
	first := build.first_probe_cohorts with input as document(probes)
	first == set()
	repeated := build.probes_to_repeat with input as document(probes)
	repeated == {0, 2}
}

test_not_applicable_where_nobody_was_probed if {
	build.not_applicable == "not probed" with input as {}
	build.not_applicable == "not probed" with input as {"probes": []}
	not build.not_applicable with input as document([])
	not build.not_applicable with input as {"probes": answers_of_all({"status": 503})}
}
