# shellcheck shell=bash
# The Kafka Streams application of pipeline/, built into a cache that carries the sources' hash.

# Sets `java`, `classpath` and `jvm_options`; builds what is missing.
need_pipeline() {
    local hash
    find_java 17
    hash=$(find "$root/pipeline/pom.xml" "$root/pipeline/src/main" -type f -print0 | sort -z | xargs -0 cat | cksum)
    cache_folder "pipeline-${hash%% *}" LOADGEN_PIPELINE_CACHE
    [[ $cache != *:* ]] || die "the cache folder $cache has a colon in its name, which a class path cannot hold"
    [[ -d $cache/libs ]] || build_pipeline
    local jars=("$cache"/libs/*.jar)
    classpath=$(IFS=: && echo "${jars[*]}")
    # As for the brokers, the first compiler alone: short lives on few cores.
    jvm_options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError)
    local own_options
    read -ra own_options <<<"${LOADGEN_PIPELINE_JAVA_OPTS:-}"
    jvm_options+=(${own_options[@]+"${own_options[@]}"})
}

# One process at a time: Maven builds in pipeline/target.
build_pipeline() {
    need mvn maven
    need javac openjdk-17-jdk-headless
    mkdir -p "$cache" "$root/pipeline/target" || die "cannot make the cache folder $cache" "LOADGEN_PIPELINE_CACHE names another one"
    exec 8>>"$root/pipeline/target/lock"
    flock -w 960 8 || die "another process has been building in $root/pipeline/target for more than 960 s"
    if [[ ! -d $cache/libs ]]; then
        say "building the pipeline (once for each change of its sources; 95 MB from Maven Central the first time) into $cache"
        rm -rf "$cache/libs.new"
        if ! timeout 900 mvn -q -B -f "$root/pipeline/pom.xml" -DskipTests package \
            dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$cache/libs.new" >"$cache/build.log" 2>&1 </dev/null; then
            tail -n 15 "$cache/build.log" >&2
            die "Maven could not build the pipeline" "the whole log is $cache/build.log; run it again when Maven Central can be reached"
        fi
        cp "$root/pipeline/target/pipeline.jar" "$cache/libs.new"
        mv "$cache/libs.new" "$cache/libs"
    fi
    exec 8>&-
}

# test_pipeline [OPTION...]: its tests, with options of Maven.
test_pipeline() {
    need mvn maven
    need javac openjdk-17-jdk-headless
    mkdir -p "$root/pipeline/target"
    exec 8>>"$root/pipeline/target/lock"
    flock -w 960 8 || die "another process has been building in $root/pipeline/target for more than 960 s"
    timeout 900 mvn -q -B -f "$root/pipeline/pom.xml" "$@" test </dev/null
}

# drive_pipeline EVENTS RESULTS
drive_pipeline() {
    local events results
    events=$(realpath -e "$1") || die "there is no file $1"
    results=$(realpath "$2")
    test_pipeline -Dtest=DriveFileTest "-Ddrive.events=$events" "-Ddrive.results=$results" >&2
}
