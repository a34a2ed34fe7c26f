#!/usr/bin/env bash
# A real one-node Slurm on 127.0.0.1 for tests: no systemd, munge, cgroups or database, as root or
# as any user, and nothing is installed (the Debian 12 packages are only unpacked into a cache).
#
#   cluster.sh up FOLDER      start slurmctld and slurmd; then `. FOLDER/env.sh` and use sbatch
#   cluster.sh down FOLDER    cancel all jobs and stop both; harmless if half up or already down
#
# Exit codes: 0 done; 77 "skipped: ..." where the packages cannot be had; 1 a real failure.
#
# What Slurm 22.05.8 does here, as tried:
# - scancel, `scontrol requeue` and the time limit send SIGTERM and SIGCONT to all processes of a
#   task, then SIGKILL after KillWait. `--signal=B:USR1@120` and `scancel --batch --signal=USR1`
#   reach the batch process alone; without `B:` or --batch, USR1 reaches nothing.
# - A batch shell that does not `exec` its worker dies of that SIGUSR1: the task is FAILED and the
#   worker runs on, unknown to Slurm.
# - kill -9 of the worker: the task is FAILED (ExitCode 0:9, Reason JobLaunchFailure), also with
#   --requeue; so is any exit status but 0, and the time limit gives TIMEOUT. None is requeued by
#   itself. `scontrol requeue JOB_TASK` brings any of them back (for MinJobAge, 300 s).
# - `scontrol requeue JOB` restarts the whole array, and the SLURM_JOB_ID of one of its tasks IS that
#   number. A task that requeues itself must say ${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}.
# - A task whose --output folder is missing is FAILED (0:53) without a word.
set -euo pipefail

PACKAGES="slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libmunge2 libhwloc15
  libhttp-parser2.9 libjwt0 librrd8 libipmimonitoring6 libfreeipmi17"
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sapwood/slurm
ROOT=$CACHE/root

die() { echo "cluster.sh: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# Runs a Slurm client of the cluster in $FOLDER, with a limit: clients retry for long without a
# controller.
slurm() ( . "$FOLDER/env.sh" && exec timeout 10 "$@" )

# ---- packages ------------------------------------------------------------------------------

fetch() { # all packages into the current folder
  apt-get -qq "$@" download $PACKAGES
}

unpack() {
  [ -d "$ROOT" ] && return
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "no apt-get here (Slurm comes from Debian packages)"
  mkdir -p "$CACHE"
  local new log apt own
  new=$(mktemp -d "$CACHE/new.XXXXXX")
  log=$CACHE/apt.log
  # First with the system's package lists; if they are missing or old, with lists of our own,
  # which needs no rights and leaves the system's alone.
  apt=(-o Acquire::Retries=1 -o Acquire::http::Timeout=20)
  [ "$(id -u)" -ne 0 ] || apt+=(-o APT::Sandbox::User=root)
  own=(-o "Dir::State=$new/apt" -o "Dir::State::Lists=$new/apt/lists" -o "Dir::Cache=$new/apt"
    -o Dir::State::Status=/var/lib/dpkg/status "${apt[@]}")
  mkdir -p "$new/apt/lists/partial" "$new/apt/archives/partial" "$new/debs" "$new/root"
  if ! (cd "$new/debs" && { fetch "${apt[@]}" || { apt-get -qq "${own[@]}" update && fetch "${own[@]}"; }; }) >"$log" 2>&1; then
    rm -rf "$new"
    skip "apt-get cannot download the Slurm packages: no network, or not Debian 12 (see $log)"
  fi
  local deb
  for deb in "$new"/debs/*.deb; do dpkg -x "$deb" "$new/root"; done
  # One rename publishes the folder; if another `up` was faster, its copy is as good.
  mv -T "$new/root" "$ROOT" 2>/dev/null || [ -d "$ROOT" ] || die "cannot write $ROOT"
  rm -rf "$new"
}

# ---- configuration -------------------------------------------------------------------------

free_port() { # a port nobody listens on, other than $1
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000)) # below the kernel's range for outgoing connections
    [ "$port" = "${1:-}" ] || (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  die "no free port found"
}

configure() {
  local lib host user cpus memory ctld_port slurmd_port
  lib=$(echo "$ROOT"/usr/lib/*/slurm-wlm)
  host=$(uname -n) host=${host%%.*}
  user=$(id -un)
  cpus=$(nproc)
  [ "$cpus" -ge 2 ] || cpus=2 # two one-CPU tasks run at once on any machine (config_overrides)
  memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  ctld_port=$(free_port)
  slurmd_port=$(free_port "$ctld_port")
  rm -rf "$FOLDER/state" "$FOLDER/spool" "$FOLDER"/{slurmctld,slurmd}.{log,out} "$FOLDER/jobcomp.txt"
  mkdir -p "$FOLDER/state" "$FOLDER/spool"

  printf 'export %s=%q\n' SLURM_CONF "$FOLDER/slurm.conf" >"$FOLDER/env.sh"
  printf 'export PATH=%q:$PATH\n' "$ROOT/usr/bin" >>"$FOLDER/env.sh"
  printf 'export LD_LIBRARY_PATH=%q:%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "${lib%/*}" "$lib" >>"$FOLDER/env.sh"

  # NoInAddrAny and NoCtldInAddrAny bind both daemons to 127.0.0.1. Without them they listen on
  # all addresses, and with auth/none anyone on the network could run jobs here.
  # cred_expire is how long a requeued task waits before it may start again (default 120 s; 5 gives
  # a restart after 6 to 8 s).
  cat >"$FOLDER/slurm.conf" <<END
ClusterName=sapwood
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
PluginDir=$lib
StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/spool
SlurmctldPidFile=$FOLDER/state/slurmctld.pid
SlurmdPidFile=$FOLDER/spool/slurmd.pid
SlurmctldLogFile=$FOLDER/slurmctld.log
SlurmdLogFile=$FOLDER/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$FOLDER/jobcomp.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=2,sched_interval=2
JobRequeue=1
KillWait=5
ReturnToService=2
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

# ---- daemons -------------------------------------------------------------------------------

# Whether process $1 is program $2 of this cluster.
ours() {
  grep -qzxF "SLURM_CONF=$FOLDER/slurm.conf" "/proc/$1/environ" 2>/dev/null && [ "$(cat "/proc/$1/comm")" = "$2-wlm" ]
}

# Prints the live process of daemon $1, checked: a stale file never kills a stranger.
daemon() {
  local pid
  pid=$(cat "$FOLDER/$1.pid" 2>/dev/null) && ours "$pid" "$1" && echo "$pid"
}

start() { # DAEMON ARGS...: detached (setsid), so that a test's Ctrl-C does not reach it
  local name=$1
  shift
  ( . "$FOLDER/env.sh" && exec setsid "$ROOT/usr/sbin/$name-wlm" -D -f "$SLURM_CONF" "$@" ) \
    </dev/null >"$FOLDER/$name.out" 2>&1 &
  echo $! >"$FOLDER/$name.pid"
}

up() {
  unpack
  mkdir -p "$FOLDER"
  # slurmd keeps Unix sockets in its spool folder, whose names the kernel limits to 107 bytes.
  [ ${#FOLDER} -le 70 ] || die "folder name too long for Slurm's sockets (70 bytes at most): $FOLDER"
  [[ $FOLDER$ROOT != *[[:space:]#,]* ]] || die "slurm.conf cannot hold this folder name: $FOLDER, $ROOT"
  ! daemon slurmctld >/dev/null && ! daemon slurmd >/dev/null || die "already up, at least in part: take it down first: $FOLDER"
  configure
  trap 'down; exit 1' INT TERM
  start slurmctld
  start slurmd -d "$ROOT/usr/sbin/slurmstepd-wlm"
  local deadline=$((SECONDS + 60))
  until [ "$(slurm sinfo -h -o %T 2>/dev/null)" = idle ]; do
    # Both are our children here, so that their numbers cannot have been given away.
    kill -0 $(cat "$FOLDER/slurmctld.pid") 2>/dev/null || failed "slurmctld ended at once"
    kill -0 $(cat "$FOLDER/slurmd.pid") 2>/dev/null || failed "slurmd ended at once"
    [ $SECONDS -lt $deadline ] || failed "the node is not idle after 60 s: $(slurm sinfo -h -o %T 2>&1)"
    sleep 0.5
  done
  echo "$FOLDER/env.sh"
}

failed() { # while coming up
  tail -n 15 "$FOLDER"/*.log >&2 || true
  tail -n 5 "$FOLDER"/*.out >&2 || true
  down
  die "$*"
}

# The processes of this cluster's jobs: the supervisors (slurmstepd) and everything that inherited
# a job's environment. A user's shell with env.sh has no SLURM_JOB_ID and is left alone.
leftovers() {
  local proc
  for proc in /proc/[0-9]*; do
    grep -qzxF "SLURM_CONF=$FOLDER/slurm.conf" "$proc/environ" || continue
    if grep -qz '^SLURM_JOB_ID=' "$proc/environ" || ours "${proc#/proc/}" slurmstepd; then echo "${proc#/proc/}"; fi
  done 2>/dev/null
}

down() {
  [ -f "$FOLDER/slurm.conf" ] || return 0
  local name pid i
  # The polite way, while the controller lives: SIGTERM to all jobs, SIGKILL after KillWait (5 s).
  if daemon slurmctld >/dev/null && slurm scancel --user="$(id -un)" >/dev/null 2>&1; then
    for i in $(seq 20); do
      [ -n "$(slurm squeue -h 2>/dev/null)" ] || break
      sleep 0.5
    done
  fi
  for name in slurmd slurmctld; do
    if pid=$(daemon "$name"); then kill "$pid" 2>/dev/null || true; fi
  done
  for name in slurmd slurmctld; do
    for i in $(seq 20); do
      daemon "$name" >/dev/null || break
      sleep 0.25
    done
    if pid=$(daemon "$name"); then kill -9 "$pid" 2>/dev/null || true; fi
    rm -f "$FOLDER/$name.pid"
  done
  # Supervisors and their tasks outlive slurmd, and a child whose batch shell died is no longer
  # Slurm's (linuxproc follows parents only).
  for pid in $(leftovers); do kill -9 "$pid" 2>/dev/null || true; done
}

[ $# -eq 2 ] || die "usage: cluster.sh up|down FOLDER"
FOLDER=$(realpath -m -- "$2")
case $1 in
  up) up ;;
  down) down ;;
  *) die "usage: cluster.sh up|down FOLDER" ;;
esac
