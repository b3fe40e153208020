#!/usr/bin/env bash
# A bench as a CI job runs it: makes the machine ready, measures, and leaves every report in one folder,
# whatever the verdict. On any CI system, and by hand:
#
#   bash bench/ci/bench.sh [FLAGS OF aiw bench]
#   bash bench/ci/bench.sh --model detector.onnx --fps 12 --gate 'p95<1s' --gate 'drops<=50%'
#
# Ends as aiw bench does: 0 every gate passed, 1 the run failed, 2 bad usage, 3 a gate failed, 4 a gate
# could not be judged; with --against, 3 and 4 are of the comparison. On GitHub it also writes the job's
# summary and the step's outputs.
#
#   AIW_CI_REPORTS             where bench.json, .junit.xml, .md, .html and .log go (default: aiw-reports)
#   AIW_CI_COMMAND             the aiw to run (default: that of the package that this script lies in)
#   AIW_CI_ALLOW_INSUFFICIENT  "true": a gate that could not be judged (4) ends with 0
set -euo pipefail
unset CDPATH
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# One of the step's outputs; written so that a value of several lines adds no other.
output() {
  if [[ -z ${GITHUB_OUTPUT:-} ]]; then return; fi
  local end="end-$RANDOM-$RANDOM-$RANDOM"
  printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# The flags of a command by their names only: a camera's URL or the other side of --against holds passwords.
flag_names() {
  local argument
  for argument; do
    if [[ $argument == --* ]]; then printf ' %s' "${argument%%[!A-Za-z-]*}"; fi
  done
}

# Runs aiw in sight, and keeps what it says.
run() {
  printf '+ aiw %s%s\n' "$1" "$(flag_names "$@")"
  "$command" "$@" 2>&1 | tee -a "$reports/bench.log"
  return "${PIPESTATUS[0]}"
}

# Whether a flag is among arguments.
gives() {
  local flag=$1 argument
  shift
  for argument; do
    if [[ $argument == "$flag" || $argument == "$flag="* ]]; then return 0; fi
  done
  return 1
}

make_ready() {
  # A worker elsewhere has an environment of its own.
  if gives --worker "$@" || [[ -n ${AI_WORKER_HOST:-} ]]; then return 0; fi
  # Mends what a cache has restored in part. The settings that it writes are none of the bench's.
  run init --yes --quiet --config "$scratch/aiw.yaml"
}

measure() {
  local written=(--json "$reports/bench.json" --markdown "$reports/bench.md")
  # A comparison with another version has a verdict and no gates, and neither of these.
  if ! gives --against "$@"; then
    written+=(--junit "$reports/bench.junit.xml" --html "$reports/bench.html")
  fi
  run bench "$@" "${written[@]}"
}

verdict_of() {
  case $1 in
    0) echo pass ;;
    3) echo fail ;;
    4) echo insufficient ;;
    *) echo error ;;
  esac
}

# What the job's page shows: the report, and why there is none.
summary() {
  if [[ -f $reports/bench.md ]]; then cat -- "$reports/bench.md"; else printf '### aiw bench: no report\n'; fi
  printf '\n'
  # Indented, a line is shown as it is, whatever stands in it.
  sed -n 's/^aiw: error/    &/p' "$reports/bench.log"
}

reports=${AIW_CI_REPORTS:-aiw-reports}
mkdir -p -- "$reports"
reports=$(cd -- "$reports" && pwd)
# What an earlier run left says nothing of this one.
rm -f -- "$reports"/bench.{json,junit.xml,md,html,log}
: >"$reports/bench.log"
scratch=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/aiw-XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
command=${AIW_CI_COMMAND:-}
if [[ -z $command ]]; then command=$(bash "$here/install.sh"); fi

code=0
make_ready "$@" || code=$?
if ((code == 0)); then measure "$@" || code=$?; fi

output exit-code "$code"
output verdict "$(verdict_of "$code")"
output report-dir "$reports"
if [[ -f $reports/bench.json ]]; then output report-json "$reports/bench.json"; fi
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then summary >>"$GITHUB_STEP_SUMMARY"; fi

if ((code == 4)) && [[ ${AIW_CI_ALLOW_INSUFFICIENT:-} == true ]]; then
  echo "bench.sh: a gate could not be judged, which AIW_CI_ALLOW_INSUFFICIENT lets pass"
  exit 0
fi
exit "$code"
