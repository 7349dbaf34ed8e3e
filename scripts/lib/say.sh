# shellcheck shell=bash
# Words to the user. stdout belongs to results alone, so all of this goes to stderr.

program=scripts/${0##*/}

say() { printf '%s: %s\n' "$program" "$*" >&2; }

# die MESSAGE [HINT]: what happened, and what to do about it.
die() {
    printf '%s: error: %s\n' "$program" "$1" >&2
    if (($# > 1)); then printf '  hint: %s\n' "$2" >&2; fi
    exit 1
}

# A wrong command line: exit code 2, as everywhere in this project.
usage_error() {
    printf '%s: error: %s\n  hint: %s help\n' "$program" "$1" "$0" >&2
    exit 2
}

# is_between LOWEST TEXT HIGHEST: is TEXT a whole number in that range?
is_between() { [[ $2 =~ ^(0|[1-9][0-9]{0,8})$ ]] && (($2 >= $1 && $2 <= $3)); }

# need COMMAND PACKAGE: a tool that must be there.
need() {
    command -v "$1" >/dev/null || die "$1 is not installed" "apt-get install $2"
}
