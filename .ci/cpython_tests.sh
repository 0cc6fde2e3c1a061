#!/usr/bin/env bash
# Sees to it that a Python has CPython's own tests, which Debian's comes without:
# cpython_tests.sh PYTHON
set -euo pipefail
# One that was named on purpose is used or refused, never replaced.
python=${BGW_CPYTHON:-$1}

has_tests() { "$python" -c 'import test.test_asyncio.utils' >/dev/null 2>&1; }

if has_tests; then
    exit 0
fi
# Asked of the Python below a virtual environment: only the system's own is made of Debian's packages.
if ! "$python" -c 'import sys; sys.exit(sys.base_prefix != "/usr")'; then
    echo "$python is no Python with CPython's own tests (the module test.test_asyncio)." >&2
    echo "Set BGW_CPYTHON to the path of one that has them: from pyenv or python.org, or Debian's /usr/bin/python3.11" >&2
    echo "with the package libpython3.11-testsuite. Then run make again." >&2
    exit 1
fi
"$(dirname "$0")/debian_install.sh" "$("$python" -c 'import sys; print("libpython%d.%d-testsuite" % sys.version_info[:2])')"
if ! has_tests; then
    echo "$python has no module test.test_asyncio, though its package is installed." >&2
    exit 1
fi
