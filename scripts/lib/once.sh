# shellcheck shell=bash
# What is fetched or built once, into a cache folder.

# cache_folder NAME VARIABLE: sets `cache` to what the variable VARIABLE says, else to a folder NAME of the user's cache.
cache_folder() {
    local base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    cache_variable=$2
    cache=${!2:-${base:+$base/loadgen/$1}}
    [[ -n $cache ]] || die "no folder for the cache" "set HOME, XDG_CACHE_HOME or $2"
    [[ $cache == /* ]] || cache=$PWD/$cache
}

# fetch_once NAME FETCH: calls FETCH FOLDER unless $cache/NAME is there; what FOLDER then holds becomes $cache/NAME. One process
# at a time fills the cache; the others wait and then find it full.
fetch_once() {
    if [[ -d $cache/$1 ]]; then return; fi
    mkdir -p "$cache" || die "cannot make the cache folder $cache" "$cache_variable names another one"
    exec 8>>"$cache/lock"
    flock -w "${fetch_seconds:-960}" 8 || die "another process has been filling $cache for more than ${fetch_seconds:-960} s"
    if [[ ! -d $cache/$1 ]]; then
        rm -rf "$cache/new"
        mkdir "$cache/new"
        "$2" "$cache/new"
        mv "$cache/new" "$cache/$1"
    fi
    exec 8>&-
}
