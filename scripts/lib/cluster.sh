# shellcheck shell=bash
# A cluster in a folder of its own:
#   cluster              its id, how many brokers, their ports, the extra properties
#   broker-N/            server.properties, data/, server.log, pid; tmp/ for what Java unpacks, such as native libraries
#   controller/          the same, where there are several brokers; a lone broker is its own controller
# All functions work on the cluster in $dir.

controller_id=100 # brokers are 1, 2, 3, ...

# --- what is written down ---------------------------------------------------------------------------------------

# Sets cluster_id, brokers, ports (controller first) and extra from the file `cluster`.
read_cluster() {
    cluster_id="" brokers="" ports=() extra=()
    local key value
    [[ -r $dir/cluster ]] || return 1
    while IFS='=' read -r key value; do
        case $key in
            id) cluster_id=$value ;;
            brokers) brokers=$value ;;
            ports) read -ra ports <<<"$value" ;;
            extra) extra+=("$value") ;;
        esac
    done <"$dir/cluster"
    [[ -n $cluster_id && -n $brokers ]] || die "$dir/cluster is not readable as a cluster" "$0 down --wipe --dir $dir"
}

write_cluster() {
    {
        echo "id=$cluster_id"
        echo "brokers=$brokers"
        echo "ports=${ports[*]}"
        if ((${#extra[@]})); then printf 'extra=%s\n' "${extra[@]}"; fi
    } >"$dir/cluster.new"
    mv "$dir/cluster.new" "$dir/cluster"
}

broker_folder() { echo "$dir/broker-$1"; }
broker_port() { echo "${ports[$1]}"; }

# Sets broker_nodes to the folders of the brokers, and nodes to those of all processes.
list_nodes() {
    local n
    broker_nodes=()
    for ((n = 1; n <= brokers; n++)); do broker_nodes+=("$(broker_folder "$n")"); done
    nodes=("${broker_nodes[@]}")
    if ((brokers > 1)); then nodes+=("$dir/controller"); fi
}

bootstrap_address() {
    local n list=()
    for ((n = 1; n <= brokers; n++)); do list+=("127.0.0.1:$(broker_port "$n")"); done
    (IFS=, && echo "${list[*]}")
}

# A cluster id is 16 bytes in base64url without padding: 21 free letters, of which the hexadecimal ones do, and one
# that carries two bits.
new_cluster_id() {
    local hex
    hex=$(tr -d - </proc/sys/kernel/random/uuid)
    echo "${hex:0:21}A"
}

# --- ports ------------------------------------------------------------------------------------------------------

# Sets ports: the controller's, then one for each broker. With a first port they are that one and the ones after it,
# else those of last time where they are still free, else random ones.
choose_ports() {
    local first=$1 n port free=yes
    if [[ -n $first ]]; then
        ports=($((first + brokers)))
        for ((n = 0; n < brokers; n++)); do ports+=($((first + n))); done
        for port in "${ports[@]}"; do
            port_is_free "$port" || die "port $port is in use" "another --port, or none for free ones; the cluster takes $((brokers + 1)) in a row"
        done
        return
    fi
    if ((${#ports[@]} == brokers + 1)); then
        for port in "${ports[@]}"; do port_is_free "$port" || free=no; done
        if [[ $free == yes ]]; then return; fi
    fi
    ports=()
    while ((${#ports[@]} <= brokers)); do
        port=$(random_free_port)
        if [[ " ${ports[*]} " != *" $port "* ]]; then ports+=("$port"); fi
    done
}

# --- properties -------------------------------------------------------------------------------------------------

# Keys that decide who a node is and where it listens; -c cannot change them without breaking the cluster.
own_keys=" process.roles node.id broker.id listeners advertised.listeners controller.listener.names
controller.quorum.voters controller.quorum.bootstrap.servers inter.broker.listener.name log.dir log.dirs metadata.log.dir "

check_extra() {
    local pair=$1 key=${1%%=*}
    [[ $pair == *=* && -n $key ]] || usage_error "-c $pair: not key=value"
    [[ $pair != *$'\n'* ]] || usage_error "-c $key: more than one line"
    [[ ! $own_keys =~ [[:space:]]${key//./\\.}[[:space:]] ]] || usage_error "-c $key is this script's own to set"
}

# write_properties FOLDER ROLES NODE-ID LISTENERS
write_properties() {
    local replicas=$((brokers < 3 ? brokers : 3))
    local in_sync=$((replicas < 3 ? 1 : 2))
    local voter=$((brokers > 1 ? controller_id : 1))
    mkdir -p "$1"
    {
        cat <<PROPERTIES
process.roles=$2
node.id=$3
controller.quorum.voters=$voter@127.0.0.1:${ports[0]}
listeners=$4
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$1/data
# A missing topic is an error, as on most clusters that matter.
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
# Fifty partitions each would make the first group and the first transaction wait.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# The default takes a quarter of this small heap for compaction.
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
        if [[ $2 == *broker* ]]; then echo "advertised.listeners=PLAINTEXT://127.0.0.1:$(broker_port "$3")"; fi
        # Last, since the last one of a key counts.
        if ((${#extra[@]})); then printf '%s\n' "${extra[@]}"; fi
    } >"$1/server.properties"
}

write_all_properties() {
    local n listener
    if ((brokers > 1)); then
        write_properties "$dir/controller" controller "$controller_id" "CONTROLLER://127.0.0.1:${ports[0]}"
    fi
    for ((n = 1; n <= brokers; n++)); do
        listener=PLAINTEXT://127.0.0.1:$(broker_port "$n")
        if ((brokers > 1)); then
            write_properties "$(broker_folder "$n")" broker "$n" "$listener"
        else
            write_properties "$(broker_folder "$n")" broker,controller "$n" "$listener,CONTROLLER://127.0.0.1:${ports[0]}"
        fi
    done
}

# --- start ------------------------------------------------------------------------------------------------------

# Gives every node its id and the cluster's, where it has none. Kafka writes meta.properties last, so a format that was
# cut short is done again.
format_all() {
    local node i formatted=()
    format_pids=()
    for node in "${nodes[@]}"; do
        if [[ -e $node/data/meta.properties ]]; then continue; fi
        formatted+=("$node")
        "$java" -Xmx128m "${jvm_options[@]}" -cp "$classpath" kafka.tools.StorageTool format --ignore-formatted \
            -t "$cluster_id" -c "$node/server.properties" >"$node/format.log" 2>&1 </dev/null 8>&- 9>&- &
        format_pids+=($!)
    done
    for i in ${formatted[@]+"${!formatted[@]}"}; do
        node=${formatted[i]}
        if ! wait "${format_pids[i]}"; then
            tail -n 8 "$node/format.log" | cut -c 1-300 >&2
            die "Kafka could not format $node/data" "a wrong -c property? the whole log is $node/format.log"
        fi
    done
    format_pids=()
}

# launch FOLDER: starts its node in a session of its own, so that neither Ctrl-C nor the end of this script reaches it.
launch() {
    local heap=512m
    if [[ $1 == */controller ]]; then heap=256m; fi
    if [[ -e $1/server.log ]]; then mv "$1/server.log" "$1/server.log.1"; fi
    : >"$1/server.log"
    # A process that is killed cannot delete its temporary files: they go with the cluster, or at the next start.
    rm -rf "$1/tmp"
    mkdir "$1/tmp"
    setsid "$java" "-Xmx$heap" "-Djava.io.tmpdir=$1/tmp" "${jvm_options[@]}" \
        -Dorg.slf4j.simpleLogger.showDateTime=true '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS' \
        -cp "$classpath" kafka.Kafka "$1/server.properties" >>"$1/server.log" 2>&1 </dev/null 8>&- 9>&- &
    remember_process "$1" $! || say "$1 ended as soon as it was started"
    disown
}

# How many brokers the one at this port tells a client of: a Metadata request (version 1, no topics) over /dev/tcp,
# which costs milliseconds where a Java tool costs a second. The answer's third word is the length of its broker list.
registered_brokers() {
    local bytes
    exec 7<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf '\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x07\xff\xff\x00\x00\x00\x00' >&7 || return 1
    read -ra bytes < <(timeout 2 head -c 12 <&7 | od -An -v -tu1 -w12)
    exec 7>&-
    ((${#bytes[@]} == 12)) && echo "${bytes[11]}"
} 2>/dev/null

# wait_until_ready FOLDER PORT BROKERS DEADLINE: until the node says that it has started and, where it is a broker
# (PORT is not empty), tells clients of at least that many brokers. Status 1: it ended; 2: it could not bind; 3: time is up.
wait_until_ready() {
    local folder=$1 port=$2 expected=$3 deadline=$4 known
    while :; do
        if ! process_of "$folder" >/dev/null; then
            grep -qE 'BindException|Address already in use' "$folder/server.log" && return 2
            return 1
        fi
        if grep -qF 'Kafka Server started' "$folder/server.log"; then
            [[ -n $port ]] || return 0
            known=$(registered_brokers "$port") && ((known >= expected)) && return 0
        fi
        ((SECONDS < deadline)) || return 3
        sleep 0.03
    done
}

tell_log() {
    printf -- '--- the end of %s\n' "$1/server.log" >&2
    { grep -E ' (ERROR|FATAL) |Exception' "$1/server.log" || :; } | tail -n 5 | cut -c 1-300 >&2
    tail -n 12 "$1/server.log" | cut -c 1-300 >&2
}

# start_nodes SECONDS NODE...: launches those that are not alive, and waits until all of them that are not paused are
# ready and know of each other. Status 2: a port was taken in the meantime.
start_nodes() {
    local deadline=$((SECONDS + $1)) node port status expected=0
    shift
    for node in "$@"; do
        if [[ $(state_of "$node") == stopped ]]; then launch "$node"; fi
    done
    for node in "${broker_nodes[@]}"; do
        if [[ $(state_of "$node") == running ]]; then expected=$((expected + 1)); fi
    done
    for node in "$@"; do
        if [[ $(state_of "$node") == paused ]]; then continue; fi
        port=""
        if [[ $node == */broker-* ]]; then port=$(broker_port "${node##*-}"); fi
        status=0
        wait_until_ready "$node" "$port" "$expected" "$deadline" || status=$?
        case $status in
            0) ;;
            2) return 2 ;;
            1)
                tell_log "$node"
                die "$node ended while starting" "the whole log is $node/server.log"
                ;;
            *)
                tell_log "$node"
                die "$node is not ready in time" "the whole log is $node/server.log"
                ;;
        esac
    done
}
