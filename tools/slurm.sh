#!/usr/bin/env bash
# Runs examples/slurm in a Slurm of this one machine (Debian's slurmctld, slurmd,
# slurm-client and munge, installed where they are missing; as root), with an array of
# which tasks are killed on their way, and compares the merged file with that of one
# process:
#
#	bash tools/slurm.sh [HEAVYTAIL]
#
# Everything of it lies in a temporary folder, and ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "SKIP: Slurm's daemons want root"; exit 77; }
if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge; } >/dev/null 2>&1 ||
		{ echo "SKIP: Slurm could not be installed (Debian: apt-get install slurm-wlm)"; exit 77; }
fi
begin=$SECONDS
dir=$(mktemp -d)
mkdir -p "$dir"/{bin,state,spool,user}
if [ $# = 1 ]; then cp "$1" "$dir/bin/heavytail"; else CGO_ENABLED=0 go build -o "$dir/bin/heavytail" ./cmd/heavytail; fi
export PATH="$dir/bin:$PATH" SLURM_CONF="$dir/slurm.conf"

chmod 755 "$dir"
dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 2>/dev/null
chmod 400 "$dir/munge.key"
host=$(hostname -s)
cat >"$dir/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=600
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
setsid munged -F --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" >"$dir/munged.out" 2>&1 &
munge=$!
setsid slurmctld -D >"$dir/ctld.out" 2>&1 &
ctld=$!
setsid slurmd -D >"$dir/d.out" 2>&1 &
node=$!
cleanup() {
	local i
	if [ -n "$(squeue -h 2>/dev/null)" ]; then # after a failure
		scancel --user="$(id -un)" || true
		for ((i = 0; i < 50; i++)); do
			[ -n "$(squeue -h -t running,completing 2>/dev/null)" ] || break
			sleep 0.2
		done
	fi
	kill $node $ctld $munge 2>/dev/null || true
	wait 2>/dev/null || true
	[ -n "${KEEP-}" ] || rm -rf "$dir"
}
trap cleanup EXIT

# is REGEXP COMMAND… : waits until the command prints that, up to a minute.
is() {
	local i
	for ((i = 0; i < 300; i++)); do
		if "${@:2}" 2>/dev/null | grep -qE "$1"; then return; fi
		sleep 0.2
	done
	echo "FAIL: ${*:2} does not print $1"; "${@:2}" || true; tail -n 20 "$dir"/*.log "$dir"/*.out
	exit 1
}
is '^(idle|mixed)$' sinfo -h -o %T
echo "slurm $(sinfo --version | cut -d' ' -f2) of one node is up after $((SECONDS - begin)) s"

shares=7
here=$PWD
cd "$dir/user"
export SAMPLES=${SAMPLES:-70} SHARES=$shares PARTS=$dir/user/parts OUT=$dir/user/all.npy
mkdir -p "$PARTS"
array=$("$here/examples/slurm/submit" --array=0-$((shares - 1)) --cpus-per-task=1 | tee submitted | sed -nE 's/.* ([0-9]+)$/\1/p')
merge=$array array=$((array - 1))
# Four tasks that run are killed by what schedulers and machines kill with: some end
# with 75, some die.
killed=0
for ((i = 0; i < 3000; i++)); do
	if [ $killed -lt 4 ] && pid=$(pgrep -n -f "^(.*/)?heavytail sample .*$PARTS"); then
		s=TERM
		[ $((killed % 2)) = 0 ] || s=KILL
		sleep 0.3
		if kill -$s "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
	fi
	state=$(scontrol show job "$merge" 2>/dev/null | sed -nE 's/.*JobState=([A-Z]+).*/\1/p')
	case $state in PENDING | RUNNING | COMPLETING | "") sleep 0.2 ;; *) break ;; esac
done
scontrol show job "$array" | grep -E 'ArrayTaskId|JobState|Restarts' | sed 's/^ *//' | paste - - - 2>/dev/null || true
[ "$state" = COMPLETED ] || { echo "FAIL: the merge is $state"; tail -n 5 slurm-*.out; exit 1; }
heavytail sample -n "$SAMPLES" -seed 0 -o one.npy
cmp one.npy all.npy
echo "$shares shares, $killed of whose tasks were killed, merged to the bytes of one process: $((SECONDS - begin)) s"
