# Functions for the scripts of cases.

# Regions of the NVDIMMs: `work` asks to be flushed, `sync` promises that stores are durable.
WORK=region2
SYNC=region3

# namespace MODE [REGION [MORE...]]: makes a namespace over a whole region, after what was there is gone; prints its device.
namespace() {
    local mode=$1 region=${2:-$WORK}
    shift; [ $# = 0 ] || shift
    ndctl destroy-namespace -f -r "$region" all >/dev/null 2>&1 || true
    ndctl create-namespace -f -m "$mode" -r "$region" "$@" > namespace.json
    sed -n '/"\(blockdev\|chardev\)":/{s/.*:"\([^"]*\)".*/\/dev\/\1/p;q}' namespace.json
}

# dax_mount DEVICE DIRECTORY: an XFS whose blocks are as large as pages, which DAX asks for, mounted with DAX.
dax_mount() {
    mkfs.xfs -q -f -m reflink=0 -b size="$(getconf PAGESIZE)" "$1"
    mkdir -p "$2"
    mount -o dax "$1" "$2"
}

# check NAME COMMAND...: runs it with its output in NAME.log, which is shown where it fails.
check() {
    local name=$1
    shift
    if ! "$@" > "$name.log" 2>&1; then
        echo "$name failed: $*"
        tail -40 "$name.log"
        return 1
    fi
}

# random BYTES SEED: bytes that are as good as random, the same for the same seed everywhere.
random() {
    openssl enc -aes-128-ctr -nosalt -pass "pass:$2" -pbkdf2 -iter 1 < /dev/zero 2>/dev/null | head -c "$1" || true
}
