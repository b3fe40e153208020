#!/usr/bin/env bash
# The last step of action.yml: ends the job as the bench ended, and says why where the job's page shows it.
set -euo pipefail

if ((STATUS != 0)); then
  why=$(grep '^aiw: error' -- "$REPORT_DIR/bench.log" | tail -n 1 || true)
  why=${why:-aiw bench ended with exit code $STATUS}
  echo "::error title=aiw bench::${why//%/%25}"
fi
exit "$STATUS"
