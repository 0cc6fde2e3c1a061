#!/usr/bin/env bash
# Prints a Python that runs for each of its arguments, which are versions, commands or paths:
#   find_pythons.sh 3.12 3.13
# With --with-tests only those that have CPython's own tests, and whatever is not found is left out.
set -euo pipefail
shopt -s nullglob

needs=''
if [[ ${1-} == --with-tests ]]; then
    needs='import test.test_asyncio'
    shift
fi
# A command may be a version manager's shim that refuses to run, so each is tried.
runs() { "$1" -c "$needs" >/dev/null 2>&1; }

pyenv_root=${PYENV_ROOT:-$HOME/.pyenv}
missing=()
for asked in "$@"; do
    found=
    for candidate in "$asked" "python$asked" "$pyenv_root"/versions/"$asked".*/bin/python; do
        if runs "$candidate"; then
            found=$candidate
            break
        fi
    done
    if [[ $found ]]; then echo "$found"; else missing+=("$asked"); fi
done
if [[ ${missing[*]} && ! $needs ]]; then
    echo "No Python was found that runs for: ${missing[*]}" >&2
    echo "Install it, or name others:  make bench-all PYTHONS='3.11 /path/to/python3.13'" >&2
    exit 1
fi
