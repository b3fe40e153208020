#!/usr/bin/env bash
# The install step of action.yml: aiw itself, and which cache holds its Python environment.
set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")

command=$(bash "$here/install.sh" "$INPUT_AIW")
cache_dir=${AIW_CACHE:-$HOME/.cache/aiw}

# An environment stands on one interpreter and holds what one lock file names.
python=$(python3 -c 'import platform, sys; print(platform.python_version(), sys.base_prefix)' || echo none)
lock=$(dirname -- "$command")/../worker/requirements.lock
hash=$({ echo "$python" && cat -- "$lock"; } | node -e '
  const { createHash } = require("node:crypto");
  const text = require("node:fs").readFileSync(0);
  process.stdout.write(createHash("sha256").update(text).digest("hex").slice(0, 16));
')

{
  echo "command=$command"
  echo "cache-dir=$cache_dir"
  echo "cache-key=aiw-env-$RUNNER_OS-$RUNNER_ARCH-py${python%% *}-$hash"
} >>"$GITHUB_OUTPUT"
