#!/usr/bin/env bash
# Real readers on what rollproof writes: every fixture's JUnit XML and SARIF, completions, and the manual.
# usage: readers.sh ROLLPROOF TOOLS
set -euo pipefail
rollproof=$(realpath "$1") tools=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=()
for need in xmllint:libxml2-utils zsh:zsh fish:fish man:man-db groff:groff-base npm:npm; do
	command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

rendered=$tools/rendered
rm -rf "$rendered"
tests/interop/rendered.py "$rollproof" "$rendered" junit=report.junit.xml sarif=report.sarif
mapfile -t junit < <(find "$rendered" -name report.junit.xml | sort; git ls-files 'fixtures/*/no-verdict.junit.xml')
[ "${#junit[@]}" -gt 100 ]
xmllint --noout --schema tests/formats/junit-10.xsd "${junit[@]}" 2>"$tools/xmllint.txt" || { grep -v ' validates$' "$tools/xmllint.txt"; exit 1; }
echo "JUnit XML of ${#junit[@]} fixtures is valid"

# Some of each policy's: the schema is checked on all of them by the tests, and this reader takes its time.
cp tests/interop/sarif/package*.json "$tools/"
npm ci --prefix "$tools" --no-audit --no-fund --silent --ignore-scripts
multitool=$tools/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
chmod u+x "$multitool"
mapfile -t sarif < <(cd "$rendered" && find . -name report.sarif | sort | awk -F/ 'seen[$2]++ < 4 || /hostile|waivers/')
sarif=("${sarif[@]/#/$rendered/}" fixtures/invalid/several-errors/no-verdict.sarif)
"$multitool" validate "${sarif[@]}" --rule-kind 'Sarif;Ghas' --output "$tools/sarif.sarif" --log ForceOverwrite >"$tools/sarif.txt"
# The one thing that it may miss, and that shows that it read the file: an address of the tool, which has none.
if grep -E ': (error|warning|note) ' "$tools/sarif.txt" | grep -v ' SARIF2005: '; then exit 1; fi
[ "$(grep -c ' SARIF2005: ' "$tools/sarif.txt")" -eq "${#sarif[@]}" ] || { cat "$tools/sarif.txt"; exit 1; }
echo "SARIF of ${#sarif[@]} fixtures is what GitHub reads"

completions=$tools/completions
mkdir -p "$completions"
for shell in bash zsh fish; do
	"$rollproof" completions "$shell" >"$completions/rollproof.$shell"
	"$shell" -n "$completions/rollproof.$shell"
	echo "$shell reads its completions"
done
# More than syntax: fish answers as it would at a prompt.
fish --no-config -c "source $completions/rollproof.fish; complete --do-complete 'rollproof ver'" | grep -q '^verify'

rm -rf "$tools/man1"
"$rollproof" man "$tools/man1"
for page in "$tools"/man1/*.1; do
	warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
	[ -z "$warnings" ] || { printf '%s\n' "$page" "$warnings"; exit 1; }
done
echo "man reads $(find "$tools/man1" -name '*.1' | wc -l) pages"
