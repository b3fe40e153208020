#!/usr/bin/env bash
# An example for any CI system that runs a shell: copy it, and put your model, a clip of what it looks at and
# where aiw lies (a checkout, or node_modules/aiw) in the places of these. Needs Node.js >= 20 and Python >= 3.10.
#
# On GitLab, where the gates are shown as tests of the merge request:
#
#   bench:
#     image: node:22
#     variables: { AIW_CACHE: $CI_PROJECT_DIR/.cache/aiw }
#     cache: { key: { files: [aiw/worker/requirements.lock] }, paths: [.cache/aiw/env] }
#     before_script: [apt-get update, apt-get install --yes python3-venv]
#     script: [bash ci/bench.sh]
#     artifacts:
#       when: always
#       paths: [aiw-reports]
#       reports: { junit: aiw-reports/bench.junit.xml }
set -euo pipefail

exec bash aiw/bench/ci/bench.sh --model models/detector.onnx --source media/street.mp4 --fps 5 \
  --duration 30s --max-duration 2m --gate 'p95<1000ms' --gate 'drops<=50%'
