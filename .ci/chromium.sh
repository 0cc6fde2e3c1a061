#!/usr/bin/env bash
# Sees to it that the browser tests have a Chromium that starts, and a Playwright to drive it:
# chromium.sh PYTHON
set -euo pipefail
python=$1

missing=()
# A browser that was named on purpose is used or refused, never replaced.
if [ -z "${BGW_CHROMIUM:-}" ]; then
    "$python" -m tests.chromium >/dev/null 2>&1 || missing+=(chromium)
fi
# Playwright's driver is a program of its own that needs a library which a bare Debian lacks.
"$python" -m playwright --version >/dev/null 2>&1 || missing+=(libatomic1)
if [ ${#missing[@]} -gt 0 ]; then
    "$(dirname "$0")/debian_install.sh" "${missing[@]}"
fi
"$python" -m tests.chromium
"$python" -m playwright --version >/dev/null
