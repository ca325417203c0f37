#!/usr/bin/env bash
# What .ci/release packs, on a machine that has nothing: the sums hold, everything is there, the same binary gives the same
# bytes, and the packed binary plays its drill without an environment, in a root of its own.
# usage: package.sh ROLLPROOF
set -euo pipefail
rollproof=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
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
for file in LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md man/rollproof.1 man/rollproof-verify.1 \
	completions/rollproof.{bash,elvish,fish,powershell,zsh}; do
	[ -s "$file" ] || { echo "$file is missing"; exit 1; }
done
[ -z "$(find . -type f ! -perm 644 ! -name rollproof)" ] || { echo "modes differ"; find . -type f -ls; exit 1; }

# drill COMMAND...: plays the default scenario, which leaves a tenant behind.
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
echo "the packed binary plays its drill without an environment"

# A root that holds the binary, and the libraries it asks for where it is not static.
root=$folder/root
mkdir "$root"
cp rollproof "$root/"
libraries=$(ldd rollproof 2>/dev/null | grep -o '/[^ ]*' || true)
for library in $libraries; do
	case $library in
	*/ld-linux*.so.* | */libc.so.* | */libm.so.* | */libgcc_s.so.*) install -D "$library" "$root$library" ;;
	*) echo "it needs $library, which a system may lack"; exit 1 ;;
	esac
done
held=$(find "$root" | sort)
change=("$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)")
[ "$(id -u)" -eq 0 ] || change=(unshare --map-root-user "${change[@]}")
if ! "${change[@]}" / true 2>/dev/null; then
	echo "a root of its own cannot be tried here: ${change[*]} is refused"
	exit 0
fi
drill env -i "${change[@]}" "$root" /rollproof
[ "$(find "$root" | sort)" = "$held" ] || { echo "it left files:"; find "$root"; exit 1; }
echo "and in a root with nothing but ${libraries:+glibc and }itself"
