#!/usr/bin/env bash
# actionlint on the workflows of docs/ci, and on the inputs and outputs of action.yml as they use them.
# usage: workflows.sh TOOLS
set -euo pipefail
tools=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Gitea knows the older protocol of artifacts alone.
"$tools/actionlint" -no-color -shellcheck= -pyflakes= -ignore '"actions/upload-artifact@v3" action is too old' docs/ci/gitea.yml
"$tools/actionlint" -no-color -shellcheck= -pyflakes= docs/ci/github.yml

# An action is looked into where it is used by its path.
project=$tools/project
rm -rf "$project"
mkdir -p "$project/.git" "$project/.github/workflows" "$project/rollproof"
cp action.yml "$project/rollproof/"
sed 's|your-organisation/rollproof@[^ ]*|./rollproof|' docs/ci/github.yml >"$project/.github/workflows/rollout.yml"
(cd "$project" && "$tools/actionlint" -no-color -shellcheck= -pyflakes=)
echo "actionlint has nothing to say"
