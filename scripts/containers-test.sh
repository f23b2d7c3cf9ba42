#!/usr/bin/env bash
# Build the image, bring everything up under Docker Compose with the simulated exchange, run a scan, stop each service as
# `docker stop` does. Exit 77 (and a line in capitals) where no engine can run. Secrets are made for the run; volumes and
# containers go after it, and on Ctrl-C or SIGTERM.
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${CONTAINER_ENGINE:-../shared/tools/container-engine.sh}
say() { echo "containers-test: $*" >&2; }

if ! docker info >/dev/null 2>&1 && [ -x "$engine" ]; then
  say "no engine answers; starting one (minutes, the first time)"
  "$engine" all >&2 || say "it did not start"
fi
if ! docker info >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
  say "SKIPPED: NO CONTAINER ENGINE WITH COMPOSE CAN RUN HERE. NOTHING WAS TESTED."
  exit 77
fi
if [ -n "$(docker ps -aq --filter name='^catalyst-')" ]; then
  say "catalyst containers exist on this machine; they are not touched. \`docker compose down\` first."
  exit 1
fi

settings=$(mktemp)
secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in POSTGRES_PASSWORD DATABASE_PASSWORD DATABASE_READONLY_PASSWORD REDIS_PASSWORD CATALYST_API_KEY; do
  echo "$name=$(secret)" >>"$settings"
done
printf 'EXCHANGE_START=10:00\nEXCHANGE_CLOCK=run\nCATALYST_VERSION=test\n' >>"$settings"
compose=(docker compose -p catalyst-test --env-file "$settings" --profile sim)

finish() {
  code=$?
  trap '' INT TERM HUP
  kill $(jobs -p) 2>/dev/null || true
  wait
  if [ "$code" != 0 ] && [ "$code" -lt 128 ]; then
    "${compose[@]}" ps -a >&2 || true
    "${compose[@]}" logs --tail 15 --no-color >&2 || true
  fi
  # In a session of its own: a second Ctrl-C must not leave half of it behind.
  setsid --wait "${compose[@]}" down --volumes --remove-orphans --timeout 15 </dev/null >&2 || say "taking down failed; docker compose -p catalyst-test down --volumes finishes it"
  rm -f "$settings"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In the background and waited for: bash answers a signal at once only while it waits.
say "building"
"${compose[@]}" build --quiet exchange &
wait $!
say "starting"
mapfile -t services < <("${compose[@]}" config --services | grep -vxE 'migrate|tape')
"${compose[@]}" up -d --no-build --wait --wait-timeout 240 "${services[@]}" >&2 &
wait $!
"${compose[@]}" ps --format 'table {{.Name}}\t{{.Status}}' >&2

uid=$("${compose[@]}" exec -T scanner id -u)
[ "$uid" != 0 ] || { say "the services run as root"; exit 1; }
"${compose[@]}" exec -T scanner sh -c 'test -s /app/logs/scanner.log' || { say "no /app/logs/scanner.log"; exit 1; }
say "a scan"
"${compose[@]}" exec -T workflow python - <<'EOP'
import json
from scripts.cli.console import call
limits = {"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}
cycle = call("POST", "workflow", "/api/v1/cycles", limits)
scan = call("POST", "scanner", "/api/v1/scan")
assert scan["success"] and scan["universe"] > 0, scan
print(json.dumps({"cycle_id": cycle["cycle_id"]} | {key: scan[key] for key in ("scan", "universe", "candidates")}))
EOP
say "docker stop"
mapfile -t running < <(docker ps --format '{{.Names}}' --filter label=com.docker.compose.project=catalyst-test)
docker stop -t 10 "${running[@]}" >/dev/null
killed=$(docker inspect -f '{{.Name}} {{.State.ExitCode}}' "${running[@]}" | grep -v ' 0$' || true)
[ -z "$killed" ] || { say "did not end by themselves within 10 s of SIGTERM: $killed"; exit 1; }
say "passed"
