#!/usr/bin/env bash
# Makes aiw ready to be run, and says on stdout by which path.
#
#   bash install.sh [WHAT]
#
# WHAT: a folder (a checkout, which is built first where that has not been done), a packed package (.tgz),
# or what npm installs (aiw@1.2.3, a git URL). Default: the package that this script lies in.
set -euo pipefail
unset CDPATH

what=${1:-}
if [[ -z $what ]]; then
  folder=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
elif [[ -d $what ]]; then
  folder=$(cd -- "$what" && pwd)
else
  # npm would look for a relative file in the folder that it installs into.
  if [[ -f $what ]]; then what=$(cd -- "$(dirname -- "$what")" && pwd)/$(basename -- "$what"); fi
  prefix=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/aiw-XXXXXX")
  npm install --prefix "$prefix" --no-audit --no-fund -- "$what" >&2
  folder=$prefix/node_modules/aiw
fi

if ! [[ -f $folder/bin/aiw.js ]]; then
  echo "install.sh: there is no aiw in $folder" >&2
  exit 1
fi
if ! node "$folder/bin/aiw.js" --version >/dev/null 2>&1; then
  # A checkout as git left it. What is wrong with anything else, npm will say.
  (cd -- "$folder" && npm ci --no-audit --no-fund >&2)
fi
echo "$folder/bin/aiw.js"
