#!/bin/bash
# Draws a job in N processes on this machine, with GNU parallel. A process that is stopped (exit code 75)
# or killed is run again, up to five times. With more machines that share the folder, give each a shard.
#
#   deploy/parallel.sh N prompts.txt /scratch/job [flags of sd txt2img …]
#
# Ends with 0, with the code of a shard that must not be retried, or with 75: run this again.
set -eu
[ $# -ge 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shards=$1 prompts=$2 job=$3
shift 3
export SD=${SD:-sd}
codes=$(mktemp)
export codes
trap 'rm -f "$codes"' EXIT

# Lines that fail (2) and permanent faults (1, 3, 4, 5, 130) are not retried: parallel gets 0, and the
# code is kept.
draw() {
  local code=0
  "$SD" txt2img --from-file "$1" --job "$2" --shard "$3" "${@:4}" || code=$?
  echo "shard $3: exit code $code" >&2
  case $code in
    0) return 0 ;;
    75 | 137 | 143) return $code ;;
    *) echo $code >>"$codes" ;;
  esac
}
export -f draw

again=0
seq 0 $((shards - 1)) |
  parallel --quote --jobs "$shards" --retries 5 --line-buffer draw "$prompts" "$job" "{}/$shards" "$@" ||
  again=75
[ -s "$codes" ] && exit "$(sort -n "$codes" | head -n 1)"
exit $again
