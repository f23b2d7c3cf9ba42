#!/usr/bin/env bash
# Write requirements/<group>.txt: every package pinned and hashed, no addresses. Hashes come from the public index only:
# settings of this machine (mirrors, local wheel folders) are not asked. `dev` first; the others take its versions.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX_URL UV_EXTRA_INDEX_URL UV_INDEX UV_DEFAULT_INDEX
lock() {
  .venv/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --custom-compile-command "make lock" --group "$1" -o "requirements/$1.txt" "${@:2}"
  echo "requirements/$1.txt: $(grep -c '==' "requirements/$1.txt") packages" >&2
}
lock dev "$@"
lock bootstrap "$@"
for group in core broker exchange analysis onnx embedded cli services demo training; do
  lock "$group" -c requirements/dev.txt
done
