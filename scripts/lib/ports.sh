# shellcheck shell=bash
# Free ports. Nothing reserves them: who loses a race finds out when it binds, and starts again with others.

# Nobody listens there (state 0A); a closed connection's remains do not keep a server from binding.
port_is_free() {
    local hex
    printf -v hex '%04X' "$1"
    ! grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}

# One below the range from which the system hands out its own.
random_free_port() {
    local port
    while :; do
        port=$((20000 + ${SRANDOM:-$RANDOM} % 12000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
}
