#!/usr/bin/env bash
# Build the image, bring everything up under Docker Compose with the simulated exchange, type the operator's lines (the
# guide's and the runbook's, from the host and inside a container), stop each service as `docker stop` does. Exit 77 (and a line in capitals) where no engine can run. Secrets are made for the run; volumes and
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
# Every address in use must answer; what does not answer 2xx fails the run.
curl() { command curl -fsS --noproxy '*' --max-time 120 "$@"; }
command -v jq >/dev/null || jq() { cat; }
answer() { command curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 120 "$@"; }
expect() { # expect <status> <what> <curl's arguments>
  local wanted=$1 what=$2 got
  shift 2
  got=$(answer "$@")
  [ "$got" = "$wanted" ] || { say "$what: answered $got, not $wanted"; exit 1; }
}

say "published on loopback only"
wide=$("${compose[@]}" ps -q | xargs docker inspect -f '{{.Name}}{{range .NetworkSettings.Ports}}{{range .}} {{.HostIp}}:{{.HostPort}}{{end}}{{end}}' |
  grep -E ' [0-9a-f.:]+' | grep -vE '^[^ ]+( 127\.0\.0\.1:[0-9]+)+$' || true)
[ -z "$wide" ] || { say "published wider than 127.0.0.1: $wide"; exit 1; }
for change in CATALYST_PUBLISH=0.0.0.0 CATALYST_BEHIND_PROXY=true CATALYST_ALLOWED_HOSTS=desk.example.org; do
  if said=$("${compose[@]}" run --rm --no-deps -T -e "$change" reporting 2>&1); then say "$change: it started"; exit 1; fi
  grep -q 'CATALYST_TRUST=private-network is refused' <<<"$said" || { say "$change: $said"; exit 1; }
done

say "the guide's lines, from the host"
curl -X POST http://localhost:5007/api/v1/cycles | jq -c .
curl -X POST http://localhost:5007/api/v1/workflow/stop >/dev/null
CYCLE_ID=$(curl -X POST http://localhost:5007/api/v1/cycles \
  -H "Content-Type: application/json" \
  -d '{
    "mode": "normal",
    "max_positions": 5,
    "max_daily_loss": 2000.0,
    "scan_frequency": 300
  }' | grep -oE '[0-9]{8}-[0-9]{6}' | head -1)
curl -X POST http://localhost:5001/api/v1/scan | jq -c '{cycle_id, scan, universe, candidates}'
curl "http://localhost:5001/api/v1/candidates?cycle_id=$CYCLE_ID" >/dev/null
curl http://localhost:5001/api/v1/candidates >/dev/null
curl "http://localhost:5007/api/v1/cycles/$CYCLE_ID" >/dev/null
curl -X POST http://localhost:5005/api/v1/risk/validate \
  -H "Content-Type: application/json" \
  -d '{
    "symbol": "TSLA",
    "side": "long",
    "quantity": 10,
    "price": 250.00,
    "cycle_id": "'$CYCLE_ID'"
  }' | jq -c '{approved, risk_amount, reason}'
curl -X POST http://localhost:5005/api/v1/risk/test-alert | jq -c '{subject}'
curl http://localhost:5006/api/v1/positions?status=open >/dev/null
curl -X POST http://localhost:5006/api/v1/positions/close-all >/dev/null
curl -X POST http://localhost:5006/api/v1/positions/close-all -d '{"reason":"x"}' >/dev/null
curl http://localhost:5007/health | jq -c '{mode}'
curl -X POST http://localhost:5007/api/v1/workflow/stop >/dev/null
say "the guide's lines, from inside"
docker exec catalyst-workflow curl -fsS -X POST http://localhost:5007/api/v1/workflow/start -d '{"mode":"autonomous"}' | jq -c .
docker exec catalyst-workflow curl -fsS http://catalyst-trading:5006/api/v1/positions >/dev/null
curl -X POST http://localhost:5007/api/v1/workflow/start -d '{"mode":"autonomous"}' | jq -c .
curl -X POST http://localhost:5007/api/v1/workflow/start -H "Content-Type: application/json" -d '{"mode":"autonomous"}' >/dev/null
for port in {5000..5010} 5020; do
  curl "http://localhost:$port/metrics" >/dev/null
  curl -I "http://localhost:$port/health" >/dev/null
done
say "what must be refused"
expect 403 "a page of another port" -X POST -H 'Origin: http://localhost:3000' http://localhost:5006/api/v1/positions/close-all
expect 403 "an image on another page" -H 'Sec-Fetch-Site: cross-site' http://localhost:5006/api/v1/account
expect 421 "another name" -H 'Host: evil.example' http://localhost:5006/api/v1/account
expect 401 "a proxy" -H 'X-Forwarded-For: 127.0.0.1' http://localhost:5006/api/v1/account
expect 200 "a proxy with the key" -H 'X-Forwarded-For: 127.0.0.1' -H "X-API-Key: $(sed -n 's/^CATALYST_API_KEY=//p' "$settings")" \
  http://localhost:5006/api/v1/account
say "the runbook's lines"
while read -r line; do
  echo "  $line" >&2
  eval "$line" >/dev/null
done < <(grep -hE '^curl ' Documentation/Operations/RUNBOOK.md | sort -u)
say "docker stop"
mapfile -t running < <(docker ps --format '{{.Names}}' --filter label=com.docker.compose.project=catalyst-test)
docker stop -t 10 "${running[@]}" >/dev/null
killed=$(docker inspect -f '{{.Name}} {{.State.ExitCode}}' "${running[@]}" | grep -v ' 0$' || true)
[ -z "$killed" ] || { say "did not end by themselves within 10 s of SIGTERM: $killed"; exit 1; }
say "passed"
