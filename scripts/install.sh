#!/usr/bin/env bash
# Install requirements/<group>.txt into .venv, every file checked against its hash.
# uv does it in seconds; pip takes over where the machine knows its package mirror through pip's settings only.
set -euo pipefail
cd "$(dirname "$0")/.."
group=$1
python=.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1

if [ ! -x .venv/bin/uv ]; then
  echo "setup: uv, the installer"
  "$python" -m pip install --quiet --require-hashes -r requirements/bootstrap.txt || echo "setup: no uv here, pip does it all"
fi
echo "setup: packages of requirements/$group.txt (the first time takes a minute)"
if [ -x .venv/bin/uv ] &&
  UV_HTTP_RETRIES=1 .venv/bin/uv pip install --quiet --python "$python" --require-hashes -r "requirements/$group.txt" 2>.venv/uv.log; then
  exit 0
fi
[ -s .venv/uv.log ] && sed 's/^/setup: uv: /' .venv/uv.log | head -3
echo "setup: with pip instead"
"$python" -m pip install --quiet --require-hashes -r "requirements/$group.txt"
