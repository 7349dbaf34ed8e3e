# shellcheck shell=bash
# Processes that outlive the script that started them. Each has a folder with a `pid` file; the file holds the
# pid, the process's start time and the machine's boot id, so that a pid which the system has since given to
# another process is never signalled.

# Start time in clock ticks since boot (proc(5), field 22), or nothing if there is no such process. The command
# name, field 2, may hold spaces and brackets, so fields are counted from the last bracket on.
process_started_at() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    local fields
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1 # dead, only not yet reaped
    echo "${fields[19]}"
}

process_is_paused() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    [[ ${stat##*) } == T* ]]
}

# remember_process FOLDER PID: nothing to remember, and status 1, if it has ended already.
remember_process() {
    local started
    started=$(process_started_at "$2") || return 1
    printf '%s %s %s\n' "$2" "$started" "$(</proc/sys/kernel/random/boot_id)" >"$1/pid"
}

# Prints the pid of the folder's process if that very process is alive.
process_of() {
    local pid started boot now
    [[ -r $1/pid ]] || return 1
    read -r pid started boot <"$1/pid" || return 1
    [[ $boot == "$(</proc/sys/kernel/random/boot_id)" ]] || return 1
    now=$(process_started_at "$pid") || return 1
    [[ $now == "$started" ]] || return 1
    echo "$pid"
}

# state_of FOLDER: running, paused or stopped.
state_of() {
    local pid
    if ! pid=$(process_of "$1"); then
        echo stopped
    elif process_is_paused "$pid"; then
        echo paused
    else
        echo running
    fi
}

# signal_process FOLDER SIGNAL: quietly nothing if the process is gone.
signal_process() {
    local pid
    pid=$(process_of "$1") || return 0
    kill "-$2" "$pid" 2>/dev/null || ! process_of "$1" >/dev/null
}

# wait_for_state FOLDER STATE SECONDS: status 1 when the time is up.
wait_for_state() {
    local deadline=$((SECONDS + $3))
    while [[ $(state_of "$1") != "$2" ]]; do
        ((SECONDS <= deadline)) || return 1
        sleep 0.02
    done
}

# end_processes GRACE FOLDER...: asks all of them to end (a paused one cannot hear that: it is resumed first), and
# ends by force what is still there after GRACE seconds. With GRACE 0 by force at once.
end_processes() {
    local deadline=$((SECONDS + $1)) grace=$1 folder
    shift
    if ((grace > 0)); then
        for folder in "$@"; do
            signal_process "$folder" TERM
            signal_process "$folder" CONT
        done
        for folder in "$@"; do
            wait_for_state "$folder" stopped $((deadline - SECONDS)) ||
                say "$folder has not ended within $grace s: killing it"
        done
    fi
    for folder in "$@"; do signal_process "$folder" KILL; done
    for folder in "$@"; do
        wait_for_state "$folder" stopped 10 || die "$folder: process $(process_of "$folder") cannot be killed"
        rm -f "$folder/pid"
    done
}

# hold_lock FOLDER SECONDS: from here to the end of the script no other one works on the folder. The lock is on
# descriptor 9, which a process that is to outlive the script must not inherit. The holder before us may have removed
# the folder, hence the look whether what we hold is still what the next one would find.
hold_lock() {
    local file=$1/lock
    while :; do
        mkdir -p "$1" || die "cannot make the folder $1"
        if ! { exec 9>>"$file"; } 2>/dev/null; then
            if [[ -d $1 ]]; then die "cannot write $file"; fi
            continue # removed since mkdir
        fi
        flock -w "$2" 9 || die "$1 is in use by another $program for more than $2 s"
        if [[ $file -ef /proc/self/fd/9 ]]; then return; fi
    done
}
