#!/usr/bin/env bash
# Fills the targets' corpora from the fixtures and the policies, and takes over the versions that are locked:
# seeds.sh [ROLLPROOF]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rollproof=$(realpath "${1:-target/debug/rollproof}")
cp Cargo.lock fuzz/Cargo.lock
mkdir -p fuzz/corpus/{response,document,journal,configuration,policy}

seed() { cp "$2" "fuzz/corpus/$1/$(echo "$2" | tr / -)"; }

for file in fixtures/*/*/response.json; do seed response "$file"; done
for file in fixtures/*/*/run.journal; do seed journal "$file"; done
for file in fixtures/*/*/{plan.json,fleet.json,fleet.txt,waivers.toml,rollproof.toml}; do
	[ ! -e "$file" ] || seed configuration "$file"
done
find policies/rollproof policies/examples -name '*.rego' | while read -r file; do seed policy "$file"; done
for case in fixtures/*/*/; do
	evidence=${case}run.journal
	[ -e "$evidence" ] || evidence=${case}response.json
	[ -e "$evidence" ] || continue
	arguments=("$evidence")
	for name in fleet plan; do
		[[ $evidence == *.journal || ! -e $case$name.json ]] || arguments+=("--$name" "$case$name.json")
	done
	"$rollproof" verify "${arguments[@]}" --document "fuzz/corpus/document/$(echo "$case" | tr / -)" >/dev/null 2>&1 || true
done
for corpus in fuzz/corpus/*; do echo "$corpus: $(find "$corpus" -type f | wc -l)"; done
