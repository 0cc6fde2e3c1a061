#!/usr/bin/env bash
# Prints the path of one Python of each version that is found with CPython's own tests:
# other_pythons.sh 3.12 3.13
set -euo pipefail
shopt -s nullglob

root=${PYENV_ROOT:-$HOME/.pyenv}
for version in "$@"; do
    for python in "python$version" "$root/versions/$version".*/bin/python; do
        # What is found may still refuse to run (a version manager's shim), so it is tried.
        if path=$("$python" -c 'import sys, test.test_asyncio; print(sys.executable)' 2>/dev/null); then
            echo "$path"
            break
        fi
    done
done
