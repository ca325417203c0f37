#!/usr/bin/env bash
# A packed release on a machine that has nothing: its sums hold, and its drill runs without an environment, and with an
# empty folder as its root where that can be done.
# usage: release.sh ARCHIVE
set -euo pipefail
archive=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

(cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256")
tar --extract --file "$archive" --directory "$folder" --strip-components 1
cd "$folder"
sha256sum --check --quiet SHA256SUMS
[ "$(find . -type f ! -name SHA256SUMS | wc -l)" -eq "$(wc -l <SHA256SUMS)" ] || { echo "SHA256SUMS lacks a file"; exit 1; }
for file in LICENSE-APACHE LICENSE-MIT man/rollproof.1 man/rollproof-verify.1 completions/rollproof.{bash,elvish,fish,powershell,zsh}; do
	[ -s "$file" ] || { echo "$file is missing"; exit 1; }
done
if readelf --sections rollproof 2>/dev/null | grep -q '\.symtab'; then echo "the binary is not stripped"; exit 1; fi
if readelf --program-headers rollproof 2>/dev/null | grep -q INTERP; then echo "the binary is not static"; exit 1; fi

# drill COMMAND...: plays the drill, which has a tenant behind.
drill() {
	local code=0 told
	told=$("$@" drill 2>"$folder/errors") || code=$?
	if [ "$code" -ne 1 ] || [[ $told != *"FAIL  staging-abcdef1: 1 of 12 tenants is not proven"* ]]; then
		printf '%s: exit %s\n%s\n' "$*" "$code" "$told"
		cat "$folder/errors"
		exit 1
	fi
}

drill env -i ./rollproof
echo "the drill of $(basename "$archive") runs without an environment"

mkdir root
cp rollproof root/
change=("$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)")
[ "$(id -u)" -eq 0 ] || change=(unshare --map-root-user "${change[@]}")
if "${change[@]}" / true 2>/dev/null; then
	drill env -i "${change[@]}" root /rollproof
	[ "$(find root | wc -l)" -eq 2 ] || { echo "it left files:"; find root; exit 1; }
	echo "and in an empty folder as its root"
else
	echo "an empty root cannot be tried here: ${change[*]} is refused"
fi
