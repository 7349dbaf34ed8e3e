# shellcheck shell=bash
# Finds a Java that is new enough.

# find_java MAJOR [HOME...]: sets `java` to the first of HOME/bin/java, $JAVA_HOME/bin/java, the one on the PATH and those in
# /usr/lib/jvm that is Java MAJOR or newer. The packages named are Debian's.
find_java() {
    local wanted=$1 home candidate found="" version major
    shift
    for home in "$@" "${JAVA_HOME:-}" "" /usr/lib/jvm/*; do
        candidate=${home:+$home/bin/}java
        candidate=$(command -v "$candidate") || continue
        version=$("$candidate" -version 2>&1 | sed -n 's/.*version "\([^"]*\)".*/\1/p' | head -n 1)
        major=${version%%[.+-]*}
        if [[ $major == 1 ]]; then major=${version#1.} major=${major%%.*}; fi
        if [[ $major =~ ^[0-9]+$ ]] && ((major >= wanted)); then
            java=$candidate
            return
        fi
        found=${found:+$found, }"$candidate is ${version:-of an unknown version}"
    done
    local hint="apt-get install openjdk-$wanted-jre-headless"
    if ((wanted > 17)); then hint+=" (Debian 13 and newer), or set JAVA_HOME to any Java $wanted"; fi
    die "Java $wanted or newer is needed${found:+; $found}" "$hint"
}
