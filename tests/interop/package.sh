#!/usr/bin/env bash
# What .ci/release packs, on a machine that has nothing: the sums hold, everything is there, the same binary gives the same
# bytes, and the packed binary plays its drill without an environment, in a root of its own.
# usage: package.sh ROLLPROOF
set -euo pipefail
rollproof=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
evidence=$PWD/fixtures/healthy/plain

folder=$(mktemp -d)
# Nothing of /proc or /dev, should a mount below have stayed.
trap 'rm -rf --one-file-system "$folder"' EXIT
archive=$(.ci/release --binary "$rollproof" --out "$folder/first")
again=$(umask 077 && TZ=Pacific/Auckland LC_ALL=C .ci/release --binary "$rollproof" --out "$folder/second")
cmp "$archive" "$again"
echo "packed twice, $(basename "$archive") has the same bytes"

(cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256")
mkdir "$folder/package"
cd "$folder/package"
tar --extract --file "$archive" --strip-components 1
cmp rollproof "$rollproof"
sha256sum --check --quiet --strict SHA256SUMS
diff <(find . -type f ! -name SHA256SUMS -printf '%P\n' | sort) <(sed 's/^[0-9a-f]* [ *]//' SHA256SUMS | sort)
for file in LICENSE-APACHE LICENSE-MIT LICENSES-OF-CRATES.txt README.md CHANGELOG.md man/rollproof.1 man/rollproof-verify.1 \
	completions/rollproof.{bash,elvish,fish,powershell,zsh}; do
	[ -s "$file" ] || { echo "$file is missing"; exit 1; }
done
for crate in regorus serde_json rustls jsonschema-regex; do
	grep -q "^$crate [0-9]" LICENSES-OF-CRATES.txt || { echo "LICENSES-OF-CRATES.txt lacks $crate"; exit 1; }
done
[ -z "$(find . -type f ! -perm 644 ! -name rollproof)" ] || { echo "modes differ"; find . -type f -ls; exit 1; }

# drill COMMAND...: plays the default scenario, which leaves a tenant behind.
drill() {
	local code=0 told
	told=$("$@" drill 2>"$folder/errors") || code=$?
	if [ "$code" -ne 1 ] || [[ $told != *"FAIL  staging-abcdef1: 1 tenant is not proven"* ]]; then
		printf '%s: exit %s\n%s\n' "$*" "$code" "$told"
		cat "$folder/errors"
		exit 1
	fi
}
drill env -i ./rollproof
echo "the packed binary plays its drill without an environment"

# A root that holds evidence and the binary, and the libraries that it asks for where it is not static.
root=$folder/root
mkdir "$root"
cp rollproof "$root/"
cp -r "$evidence" "$root/evidence"
libraries=$(ldd rollproof 2>/dev/null | grep -o '/[^ ]*' || true)
for library in $libraries; do
	case $library in
	*/ld-linux*.so.* | */libc.so.* | */libm.so.* | */libgcc_s.so.*) install -D "$library" "$root$library" ;;
	*) echo "it needs $library, which a system may lack"; exit 1 ;;
	esac
done
PATH=$PATH:/usr/sbin:/sbin
chroot=$(command -v chroot) unshare=("$(command -v unshare)" --mount)
[ "$(id -u)" -eq 0 ] || unshare+=(--map-root-user)
if ! "${unshare[@]}" "$chroot" / true 2>/dev/null; then
	echo "a root of its own cannot be tried here: ${unshare[*]} is refused"
	exit 0
fi
env -i "${unshare[@]}" "$chroot" "$root" \
	/rollproof verify /evidence/response.json --plan /evidence/plan.json --fleet /evidence/fleet.json >/dev/null
echo "it verifies in a root with nothing but ${libraries:+glibc and }itself"

# Processes, devices and a temporary folder are what a container adds, and what a drill needs besides.
mkdir "$root"/{proc,dev,tmp}
held=$(find "$root" | sort)
# shellcheck disable=SC2016 # The inner shell's variables.
drill env -i "${unshare[@]}" /bin/sh -euc 'for folder in proc dev; do mount --rbind "/$folder" "$1/$folder"; done
	exec "$2" "$1" /rollproof "$3"' sh "$root" "$chroot"
[ "$(find "$root" | sort)" = "$held" ] || { echo "it left files:"; find "$root"; exit 1; }
echo "and plays its drill there"
