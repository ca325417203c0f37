package rollproof.build_test

import data.rollproof.build

sha := "abcdef1000000000000000000000000000000000"

other := "1234567000000000000000000000000000000000"

url := "https://{slug}.tenants.example/buildinfo"

verified := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"verified_on_target": true}]}

assumed := {"planned": true, "tenants": ["cove"], "rows": [{"ssm_status": "Success"}]}

straggling := {"planned": true, "tenants": ["dune"], "rows": [{"verified_on_target": false}]}

stranger := {"planned": false, "tenants": ["iris"], "rows": [{"verified_on_target": true}]}

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
	"cohorts": [verified, assumed, straggling, stranger],
	"probes": probes,
}

everybody := ["acme", "bolt", "cove"]

# What everybody said, after three rounds.
said(answer) := [object.union({"url": url, "tenants": everybody, "asked": 3}, answer)]

# What is denied where everybody said the same.
denied(answer) := findings if findings := build.deny with input as document(said(answer))

# The only code that is denied where everybody said the same; none where nothing is.
code(answer) := codes if codes := {finding.code | some finding in denied(answer)}

message(answer) := words if {
	some finding in denied(answer)
	words := finding.message
}

commit(text) := {"status": 200, "git_sha": text}

test_target_commit_silent if denied(commit(sha)) == set()

test_same_commit_in_other_words_silent if {
	denied(commit("abcdef1")) == set()
	denied(commit(" ABCDEF1000 ")) == set()
	short := object.union(document(said(commit(sha))), {"rollout": {"target_sha": "abcdef1"}})
	short_denied := build.deny with input as short
	short_denied == set()
	odd := object.union(document(said(commit("v1"))), {"rollout": {"target_sha": "V1"}})
	odd_denied := build.deny with input as odd
	odd_denied == set()
}

test_other_commit_stale if {
	code(commit(other)) == {"build.stale"}
	message(commit(other)) == sprintf("3 tenants are stale: /buildinfo says %s, not %s; asked 3 times", [other, sha])
}

test_prefix_too_short_stale if {
	code(commit("abcdef")) == {"build.stale"}
	code(commit("abcdef1-dirty")) == {"build.stale"}
}

test_longer_than_target_is_no_prefix if {
	code(commit("abcdef10000000000000000000000000000000001")) == {"build.stale"}
	short := object.union(document(said(commit("abcdef1"))), {"rollout": {"target_sha": "abc"}})
	findings := build.deny with input as short
	{finding.code | some finding in findings} == {"build.stale"}
}

# Only hexadecimal digits make a commit of which a beginning is enough.
test_letters_of_a_commit if {
	every letter in {"0", "9", "a", "f"} {
		codes := code_of(sprintf("abcdef%s", [letter]))
		codes == set()
	}
	every letter in {"/", ":", "`", "g", "-"} {
		codes := code_of(sprintf("abcdef%s", [letter]))
		codes == {"build.stale"}
	}
}

test_lengths_of_a_commit if {
	digits := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
	every many in {7, 40, 64} {
		codes := code_of(substring(digits, 0, many))
		codes == set()
	}
	every many in {6, 41, 63, 65} {
		codes := code_of(substring(digits, 0, many))
		codes == {"build.stale"}
	}
}

# What is denied where everybody says a word, and the target begins with it.
code_of(word) := codes if {
	longer := object.union(document(said(commit(word))), {"rollout": {"target_sha": sprintf("%s1", [word])}})
	findings := build.deny with input as longer
	codes := {finding.code | some finding in findings}
}

test_text_that_is_no_commit_stays_out_of_message if {
	hostile := "\n::error::pwned"
	code(commit(hostile)) == {"build.stale"}
	not contains(message(commit(hostile)), "pwned")
	some finding in denied(commit(hostile))
	finding.observed == [{"url": url, "asked": 3, "status": 200, "git_sha": hostile}]
}

test_no_target_commit_stale if {
	unknown := json.remove(document(said(commit(sha))), ["rollout/target_sha"])
	findings := build.deny with input as unknown
	{finding.code | some finding in findings} == {"build.stale"}
	some finding in findings
	contains(finding.message, "the rollout names no commit")
}

test_unwired_commits if {
	code(commit("dev")) == {"build.unwired"}
	code(commit(" DEV ")) == {"build.unwired"}
	code(commit("")) == {"build.unwired"}
	code(commit("0000000000000000000000000000000000000000")) == {"build.unwired"}
	code(commit("0")) == {"build.unwired"}
	code(commit(null)) == {"build.unwired"}
	code({"status": 200}) == {"build.unwired"}
}

test_unwired_words if {
	contains(message(commit("dev")), "/buildinfo says the commit dev; asked 3 times")
	contains(message(commit(" ")), "an empty commit")
	contains(message(commit("000")), "a commit of zeros")
	contains(message(commit(null)), "no commit")
}

test_unwired_target_proves_nothing if {
	dev := object.union(document(said(commit("dev"))), {"rollout": {"target_sha": "dev"}})
	findings := build.deny with input as dev
	{finding.code | some finding in findings} == {"build.unwired"}
}

test_unreachable if {
	code({"error": "timed out"}) == {"build.unreachable"}
	message({"error": "timed out"}) == "3 tenants are unreachable: no answer came; asked 3 times"
	contains(message({"status": 302}), "HTTP 302")
	contains(message({"status": 403, "error": "secret"}), "HTTP 403")
	contains(message({"status": 200, "error": "junk"}), "no build can be read")
	not contains(message({"status": 200, "error": "junk"}), "junk")
	code({"status": 404, "git_sha": sha}) == {"build.unreachable"}
	code({"status": 200, "git_sha": sha, "error": "cut short"}) == {"build.unreachable"}
}

test_never_asked_unreachable if {
	message({"asked": 0}) == "3 tenants are unreachable: probing ended before any answer"
	endswith(message({"asked": 0, "error": "slug"}), "the slug cannot stand in a URL, so nobody asked")
}

test_kinds_are_counted_apart if {
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

test_same_words_make_one_finding if {
	probes := [
		{"url": url, "tenants": ["acme"], "asked": 1, "error": "refused by 10.0.0.1"},
		{"url": url, "tenants": ["bolt", "cove"], "asked": 1, "error": "refused by 10.0.0.2"},
	]
	findings := build.deny with input as document(probes)
	count(findings) == 1
	some finding in findings
	finding.message == "3 tenants are unreachable: no answer came; asked 1 time"
	finding.tenants == everybody
	count(finding.observed) == 2
}

test_forgotten_tenant_unreachable if {
	probes := [{"url": url, "tenants": ["acme", "bolt"], "asked": 1, "status": 200, "git_sha": sha}]
	findings := build.deny with input as document(probes)
	{[finding.code, finding.tenants] | some finding in findings} == {["build.unreachable", {"cove"}]}
}

test_nobody_probed_denied if {
	findings := build.deny with input as document([])
	{finding.code | some finding in findings} == {"build.nothing_probed"}
	nobody := object.union(document([]), {"cohorts": [straggling]})
	denials := build.deny with input as nobody
	{finding.message | some finding in denials} == {"builds were to be probed, and nobody was: 0 tenants are proven"}
}

test_not_probed_silent if {
	findings := build.deny with input as json.remove(document([]), ["probes"])
	findings == set()
	asked := build.fresh with input as json.remove(document([]), ["probes"])
	asked == set()
}

# Rollouts of which builds say nothing, whatever was seen.
silent := [
	{"rollout": {"dry_run": true}},
	{"rollout": {"outcome": "halted"}},
	{"rollout": {"outcome": "interrupted"}},
	{"rollout": {"outcome": "running"}},
	{"gates": {"head": [{"state": "latest"}, {"state": "superseded"}]}},
]

test_unasserted_rollouts_silent if {
	seen := [[], said({"status": 503}), said(commit(other)), said(commit("dev"))]
	rollouts := [object.union(document(probes), change) | some probes in seen; some change in silent]
	count(rollouts) == 20
	every rollout in rollouts {
		findings := build.deny with input as rollout
		findings == set()
		asked := build.fresh with input as rollout
		asked == set()
	}
}

test_other_heads_do_not_silence if {
	rollout := object.union(document([]), {"gates": {"head": [{"state": "latest"}]}})
	findings := build.deny with input as rollout
	count(findings) == 1
}

test_proven_tenants_of_the_fleet_are_asked if {
	asked := build.fresh with input as document([])
	asked == {0, 1}
	again := build.awaited with input as document([])
	again == set()
}

test_whoever_is_not_on_the_commit_is_asked_again if {
	probes := [
		{"url": url, "tenants": ["acme"], "asked": 0},
		{"url": url, "tenants": ["bolt"], "asked": 1, "status": 200, "git_sha": sha},
		{"url": url, "tenants": ["cove"], "asked": 1, "status": 200, "git_sha": "dev"},
	]
	asked := build.fresh with input as document(probes)
	asked == set()
	again := build.awaited with input as document(probes)
	again == {0, 2}
}

test_not_applicable_where_nobody_was_probed if {
	build.not_applicable == "not probed" with input as {}
	not build.not_applicable with input as {"probes": []}
}
