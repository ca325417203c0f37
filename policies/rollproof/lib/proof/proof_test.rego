package rollproof.lib.proof_test

import data.rollproof.lib.proof

# The state of one tenant with these rows, rolled out to `staging-new`.
state(rows) := found if {
	found := proof.states[0] with input as {"rollout": {"target_tag": "staging-new"}, "cohorts": [{"rows": rows}]}
}

test_true_key_verified if state([{"verified_on_target": true}]) == "verified"

test_true_key_with_failure_verified if {
	state([{"verified_on_target": true, "ssm_exit_code": 2, "error": "x", "ssm_status": "Failed"}]) == "verified"
}

test_true_key_with_other_image_verified if {
	state([{"verified_on_target": true, "running_image": "p:staging-old"}]) == "verified"
}

test_false_key_off_target if state([{"verified_on_target": false}]) == "off_target"

test_null_key_off_target if state([{"verified_on_target": null}]) == "off_target"

test_false_key_with_failure_off_target if state([{"verified_on_target": false, "error": "x"}]) == "off_target"

test_no_key_assumed if state([{"ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true}]) == "assumed"

test_bare_row_assumed if state([{}]) == "assumed"

test_null_fields_assumed if {
	state([{"ssm_status": null, "ssm_exit_code": null, "error": null, "running_image": null}]) == "assumed"
}

test_unhealthy_row_assumed if state([{"healthz_ok": false}]) == "assumed"

test_padded_success_in_any_case_assumed if state([{"ssm_status": " sUCCESS\n"}]) == "assumed"

test_other_status_errored if state([{"ssm_status": "TimedOut"}]) == "errored"

test_blank_status_errored if state([{"ssm_status": ""}]) == "errored"

test_exit_code_errored if state([{"ssm_status": "Success", "ssm_exit_code": 2}]) == "errored"

test_negative_exit_code_errored if state([{"ssm_exit_code": -1}]) == "errored"

test_error_text_errored if state([{"ssm_status": "Success", "error": "boom"}]) == "errored"

test_blank_error_assumed if state([{"error": " \t\n"}]) == "assumed"

test_other_tag_off_target if state([{"running_image": "r/p:staging-old"}]) == "off_target"

test_other_tag_with_failure_off_target if state([{"running_image": "r/p:staging-old", "error": "x"}]) == "off_target"

test_target_tag_assumed if state([{"running_image": "r/p:staging-new"}]) == "assumed"

test_target_tag_with_digest_assumed if state([{"running_image": "r/p:staging-new@sha256:abc"}]) == "assumed"

test_other_tag_with_digest_off_target if state([{"running_image": "r/p:staging-old@sha256:abc"}]) == "off_target"

test_digest_without_tag_assumed if state([{"running_image": "r/p@sha256:abc"}]) == "assumed"

test_image_id_assumed if state([{"running_image": "sha256:0123456789abcdef"}]) == "assumed"

test_repository_named_sha256_off_target if state([{"running_image": "sha256:staging-old"}]) == "off_target"

test_port_without_tag_assumed if state([{"running_image": "host:5000/p"}]) == "assumed"

test_port_and_tag_off_target if state([{"running_image": "host:5000/p:staging-old"}]) == "off_target"

test_tag_is_after_last_colon if state([{"running_image": "p:a:staging-new"}]) == "assumed"

test_empty_tag_assumed if state([{"running_image": "p:"}]) == "assumed"

test_empty_image_assumed if state([{"running_image": ""}]) == "assumed"

test_other_tag_without_target_assumed if {
	found := proof.states with input as {"rollout": {}, "cohorts": [{"rows": [{"running_image": "p:staging-old"}]}]}
	found == ["assumed"]
}

test_dry_run_status_in_any_case if {
	state([{"ssm_status": "DryRun"}]) == "dry_run"
	state([{"ssm_status": "dryrun", "verified_on_target": true}]) == "dry_run"
}

test_dry_run_rows_are_ignored if {
	state([{"verified_on_target": true}, {"ssm_status": "DRYRUN", "verified_on_target": false}]) == "verified"
	state([{"ssm_status": "DryRun", "verified_on_target": false}, {"error": null}]) == "assumed"
}

test_no_row_unreached if state([]) == "unreached"

test_latest_row_decides if {
	state([{"verified_on_target": true}, {"verified_on_target": false}]) == "off_target"
	state([{"verified_on_target": false}, {"verified_on_target": true}]) == "verified"
	state([{"error": "x"}, {"verified_on_target": true}]) == "verified"
	state([{"error": "x"}, {}]) == "assumed"
	state([{}, {"error": "x"}]) == "errored"
}

test_missing_key_never_overrides_off_target if {
	state([{"verified_on_target": false}, {}]) == "off_target"
	state([{"verified_on_target": null}, {"error": "x"}]) == "off_target"
	state([{"verified_on_target": false}, {"verified_on_target": true}, {}]) == "off_target"
}

test_missing_key_after_true_assumed if state([{"verified_on_target": true}, {}]) == "assumed"

test_states_are_in_cohort_order if {
	cohorts := [{"rows": []}, {"rows": [{"verified_on_target": true}]}, {"rows": [{"ssm_status": "DryRun"}]}]
	found := proof.states with input as {"rollout": {}, "cohorts": cohorts}
	found == ["unreached", "verified", "dry_run"]
}

test_cohorts_in_a_state if {
	document := {"rollout": {}, "cohorts": [{"rows": []}, {"rows": [{}]}, {"rows": []}]}
	proof.in_state("unreached") == {0, 2} with input as document
	proof.in_state("verified") == set() with input as document
}

# Only the tag says that an image is another: not what merely ends like the target.
test_end_of_an_image_is_no_tag if {
	state([{"running_image": "p:staging-old@md5:staging-new"}]) == "off_target"
	state([{"running_image": "p:other-staging-new"}]) == "off_target"
	other := proof.other_images with input as {
		"rollout": {"target_tag": "a:b"},
		"cohorts": [{"rows": [{"running_image": "p:a:b"}]}],
	}
	other == {"p:a:b"}
}

test_verified_and_assumed_are_proven if {
	rows := [[{"verified_on_target": true}], [{"ssm_status": "Success"}], [{"error": "x"}], []]
	proof.proven == {0, 1} with input as {"rollout": {}, "cohorts": [{"rows": each} | some each in rows]}
}

# The state of one tenant with these rows, which a mapping with this proof and these fields reads.
mapped(proves, fields, rows) := found if {
	rollout := {"target_tag": "staging-new"}
	mapping := {"name": "own", "sha256": "", "proof": proves, "fields": fields}
	document := {"rollout": rollout, "calls": [], "mapping": mapping, "cohorts": [{"rows": rows}]}
	found := proof.states[0] with input as document
}

test_mapped_row_without_key_off_target if {
	mapped("target", ["verified_on_target"], [{"ssm_status": "Success", "ssm_exit_code": 0}]) == "off_target"
	mapped("target", ["verified_on_target"], [{"verified_on_target": null}]) == "off_target"
	mapped("target", ["verified_on_target"], [{"verified_on_target": true}]) == "verified"
}

test_mapped_status_of_success_has_two_words if {
	mapped("status", ["ssm_status"], [{"ssm_status": "Succeeded"}]) == "assumed"
	mapped("status", ["ssm_status"], [{"ssm_status": "success"}]) == "assumed"
	mapped("status", ["ssm_status"], [{"ssm_status": "Complete"}]) == "errored"
	state([{"ssm_status": "Succeeded"}]) == "errored"
}

test_row_by_status_with_every_field_assumed if {
	fields := ["ssm_exit_code", "ssm_status"]
	mapped("status", fields, [{"ssm_status": "Success", "ssm_exit_code": 0}]) == "assumed"
	mapped("status", fields, [{"ssm_status": "Failed", "ssm_exit_code": 0}]) == "errored"
}

test_row_by_status_that_lacks_a_field_errored if {
	fields := ["error", "running_image", "ssm_exit_code", "ssm_status"]
	row := {"ssm_status": "Success", "ssm_exit_code": 0, "error": "", "running_image": "p:staging-new"}
	mapped("status", fields, [row]) == "assumed"
	every field in fields {
		mapped("status", fields, [object.remove(row, [field])]) == "errored"
		mapped("status", fields, [object.union(row, {field: null})]) == "errored"
	}
}

test_mapped_rows_that_contradict_each_other_prove_nothing if {
	on := {"verified_on_target": true}
	off := {"verified_on_target": false}
	mapped("target", ["verified_on_target"], [off, on]) == "off_target"
	mapped("target", ["verified_on_target"], [on, on]) == "verified"
	well := {"ssm_status": "Success"}
	failed := {"ssm_status": "Failed"}
	mapped("status", ["ssm_status"], [failed, well]) == "errored"
	mapped("status", ["ssm_status"], [well, well]) == "assumed"
}

test_mapped_rows_of_calls_come_in_time if {
	rows := [{"verified_on_target": false}, {"verified_on_target": true}]
	mapping := {"proof": "target", "fields": ["verified_on_target"]}
	document := {"rollout": {}, "calls": [{}], "mapping": mapping, "cohorts": [{"rows": rows}]}
	proof.states == ["verified"] with input as document
}
