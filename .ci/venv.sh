#!/usr/bin/env bash
# Makes the virtual environment: venv.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "bgwidgets needs Python 3.11 or newer, and '$python' is not: $("$python" --version 2>&1 || true)" >&2
    echo "Name another one:  make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi
# Debian's Python comes without ensurepip until its -venv package is there.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$(dirname "$0")/debian_install.sh" "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
"$python" -m venv --clear "$folder"
