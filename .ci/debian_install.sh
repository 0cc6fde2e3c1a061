#!/usr/bin/env bash
# Installs the named Debian packages where this user may, else says what to do and fails.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "Missing: $*. This is no Debian or Ubuntu: please install it with your system's own tools, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "Missing: $*. Please run:  sudo apt-get install $*   and then make again." >&2
    exit 1
fi

echo "Installing Debian packages: $*"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1
}
# A failed update is no reason to give up: an older list may still do.
apt_get update || { echo "apt-get update failed:" >&2; tail -n 5 "$log" >&2; }
if ! apt_get install --yes --no-install-recommends "$@"; then
    tail -n 30 "$log" >&2
    echo "apt-get could not install: $*" >&2
    exit 1
fi
