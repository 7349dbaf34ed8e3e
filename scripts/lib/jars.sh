# shellcheck shell=bash
# Apache Kafka's jars, fetched from Maven Central into a cache once, and a class-data archive that halves the time
# a JVM takes to load them.

kafka_version=4.3.0

# The folder of the cache. Several versions of this script may share the default one: it carries the version.
jars_cache() {
    cache_folder "kafka-$kafka_version" LOADGEN_KAFKA_CACHE
    [[ $cache != *:* ]] || die "the cache folder $cache has a colon in its name, which a class path cannot hold"
}

# Sets `java`, `classpath` and `jvm_options`; fetches and prepares what is missing.
need_kafka() {
    find_java 17
    jars_cache
    [[ -d $cache/libs ]] || fetch_jars
    local jars=("$cache"/libs/*.jar)
    classpath=$(IFS=: && echo "${jars[*]}")
    # A broker here lives for seconds or minutes, on few cores: the first compiler alone starts it in two thirds of
    # the time, and over the first three million records it costs the broker less CPU than both compilers do (2.1, 1.2,
    # 1.1 us a record against 4.6, 2.4, 1.3). LOADGEN_KAFKA_JAVA_OPTS=-XX:TieredStopAtLevel=4 undoes it.
    jvm_options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError)
    local own_options
    read -ra own_options <<<"${LOADGEN_KAFKA_JAVA_OPTS:-}"
    jvm_options+=(${own_options[@]+"${own_options[@]}"})
    use_class_archive
}

fetch_jars() {
    hold_cache
    if [[ -d $cache/libs ]]; then
        exec 8>&- # another process was faster
        return
    fi
    need mvn maven
    say "fetching Apache Kafka $kafka_version from Maven Central (54 MB, once) into $cache"
    local new=$cache/libs.new
    rm -rf "$new"
    if ! timeout 900 mvn -q -B -f "$lib/kafka.pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        "-DoutputDirectory=$new" >"$cache/fetch.log" 2>&1 </dev/null; then
        tail -n 15 "$cache/fetch.log" >&2
        die "Maven could not fetch Apache Kafka" "the whole log is $cache/fetch.log; run it again when Maven Central can be reached"
    fi
    compgen -G "$new/kafka_2.13-*.jar" >/dev/null || die "Maven fetched no Kafka jar into $new"
    mv "$new" "$cache/libs"
    exec 8>&-
}

# One process at a time fills the cache; the others wait and then find it full.
hold_cache() {
    mkdir -p "$cache" || die "cannot make the cache folder $cache" "LOADGEN_KAFKA_CACHE names another one"
    exec 8>>"$cache/lock"
    flock -w 960 8 || die "another process has been filling $cache for more than 960 s"
}

# The archive (JEP 350) holds the classes that one broker loaded in a short life. It fits one Java and one class path: a
# JVM that it does not fit ignores it, and is only slower.
use_class_archive() {
    if [[ -n ${LOADGEN_KAFKA_TRAINING:-} ]]; then return; fi
    local real key
    real=$(readlink -f "$java")
    key=$(printf '%s %s %s' "$real" "$(stat -c '%Y %s' "$real")" "$classpath" | cksum)
    archive=$cache/classes-${key%% *}.jsa
    if [[ ! -e $archive && ! -e $archive.none ]]; then make_class_archive; fi
    if [[ -e $archive ]]; then
        jvm_options+=("-XX:SharedArchiveFile=$archive" -Xlog:cds=off -Xlog:cds+dynamic=off)
    fi
}

make_class_archive() {
    hold_cache
    if [[ ! -e $archive && ! -e $archive.none ]]; then
        say "preparing Kafka's classes for a fast start (once)"
        # Slower brokers are no reason to stop, but never silent.
        train_class_archive "$cache/training" >"$cache/training.log" 2>&1 8>&- ||
            say "warning: no class archive, so brokers start slower; $cache/training.log says why"
    fi
    exec 8>&-
}

# A broker dumps its classes as it ends in good order. A Java that cannot (it lacks an archive of its own classes to
# build on) is remembered; any other failure is tried again next time.
train_class_archive() {
    local options="-XX:ArchiveClassesAtExit=$archive.new" status=0
    rm -f "$archive.new"
    LOADGEN_KAFKA_TRAINING=yes LOADGEN_KAFKA_JAVA_OPTS=$options "$self" up --dir "$1" || status=1
    "$self" down --dir "$1" || status=1
    if [[ ! -s $archive.new ]]; then cat "$1/broker-1/server.log"; fi
    "$self" down --wipe --dir "$1" || status=1
    if ((status != 0)); then return 1; fi
    if [[ ! -s $archive.new ]]; then
        : >"$archive.none"
        return 1
    fi
    mv "$archive.new" "$archive"
}
