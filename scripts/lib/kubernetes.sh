# shellcheck shell=bash
# The control plane of Kubernetes from its Go modules, and a Go that is new enough where the machine's is not. The Go command checks
# each module against the public checksum database (sum.golang.org) before it uses it.

kubernetes_version=1.36.3
kubernetes_go=1.26 # what its go.mod asks for
toolchain=go1.26.8 # what is fetched where the machine's own Go is older

fetch_seconds=3600 # 5 minutes on two idle cores; much longer beside other work

# Sets `bin` to the folder of kube-apiserver, kube-controller-manager and kubectl; builds once what is missing.
need_kubernetes() {
    cache_folder "kubernetes-$kubernetes_version" LOADGEN_KUBERNETES_CACHE
    bin=$cache/bin
    fetch_once bin build_kubernetes
}

# The machine's own, of any version.
find_go() {
    local candidate
    for candidate in go /usr/local/go/bin/go /usr/lib/go/bin/go; do
        go=$(command -v "$candidate") && return
    done
    die "Go is not installed" "apt-get install golang-go: an older one will do, it fetches Go $kubernetes_go as a module"
}

# Compilers and modules stand in folders of this cache alone, and go when all is built.
build_kubernetes() {
    find_go
    local work=$cache/build
    mkdir -p "$work/main"
    export GOMODCACHE=$work/modules GOCACHE=$work/objects GOTOOLCHAIN=local GOWORK=off GO111MODULE=on CGO_ENABLED=0
    export GOFLAGS="-buildvcs=false -modcacherw"
    say "building the control plane of Kubernetes $kubernetes_version from its Go modules (100 MB from the Go proxy, minutes, once) into $cache"
    if ! (cd "$work/main" && newer_go && write_go_mod && compile_kubernetes "$1") >"$cache/build.log" 2>&1 </dev/null; then
        tail -n 15 "$cache/build.log" >&2
        die "the control plane could not be built" "the whole log is $cache/build.log; run it again when the Go proxy can be reached"
    fi
    rm -rf "$work"
}

# Sets `go` to one that is new enough: the machine's own, or the one that the Go proxy has as a module, whose files come without the
# right to be run.
newer_go() {
    local own
    own=$("$go" env GOVERSION) || return
    if [[ $(printf '%s\n' "$kubernetes_go" "${own#go}" | sort -V | head -n 1) == "$kubernetes_go" ]]; then return; fi
    local module root
    module=golang.org/toolchain@v0.0.1-$toolchain.$("$go" env GOOS)-$("$go" env GOARCH)
    echo "$go is $own: fetching $module"
    (cd / && "$go" mod download "$module") || return
    root=$GOMODCACHE/$module
    chmod +x "$root"/bin/* "$root"/pkg/tool/*/* || return
    go=$root/bin/go
    unset GOROOT
}

# A module of one's own that asks for Kubernetes. Its parts have versions in its own repository alone: v0.X.Y is the one that was
# published with v1.X.Y.
write_go_mod() {
    local theirs parts=v0.${kubernetes_version#1.}
    theirs=$(cd / && "$go" mod download -json "k8s.io/kubernetes@v$kubernetes_version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') || return
    {
        printf 'module loadgen/kubernetes\n\ngo %s.0\n\n' "$kubernetes_go"
        printf 'require k8s.io/kubernetes v%s\n\n' "$kubernetes_version"
        sed -n "s|^\t\(k8s.io/[^ ]*\) v0\.0\.0\$|replace \1 => \1 $parts|p" "$theirs/go.mod"
    } >go.mod
    cp "$theirs/go.sum" go.sum # what others it uses, as its authors have pinned them
}

# compile_kubernetes FOLDER
compile_kubernetes() {
    local flags="-s -w" package
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=v$kubernetes_version"
    done
    "$go" build -mod=mod -trimpath -ldflags "$flags" -o "$1/" \
        k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl
}
