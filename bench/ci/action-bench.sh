#!/usr/bin/env bash
# The bench step of action.yml: its inputs, which come by environment and are nowhere shell text, as flags of
# aiw bench. Succeeds whatever the verdict, so that the reports are uploaded; action-verdict.sh ends the job.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
flags=()

# "--flag=value": a value that begins with a dash is still one.
flag() {
  if [[ -n $2 ]]; then flags+=("$1=$2"); fi
}

# Each line of a text that is not blank, without the spaces around it, behind a prefix.
each_line() {
  local line
  while IFS=$' \t\r' read -r line; do
    if [[ -n $line ]]; then flags+=("$1$line"); fi
  done <<<"$2"
}

flag --model "$INPUT_MODEL"
flag --source "$INPUT_SOURCE"
flag --fps "$INPUT_FPS"
flag --duration "$INPUT_DURATION"
flag --max-duration "$INPUT_MAX_DURATION"
flag --against "$INPUT_AGAINST"
flag --max-regression "$INPUT_MAX_REGRESSION"
each_line --gate= "$INPUT_GATES"
each_line "" "$INPUT_ARGS"

cd -- "$INPUT_WORKING_DIRECTORY"
status=0
# bash 3.2, which macOS has, takes an empty list for an unset variable.
bash "$here/bench.sh" ${flags[@]+"${flags[@]}"} || status=$?
echo "status=$status" >>"$GITHUB_OUTPUT"
