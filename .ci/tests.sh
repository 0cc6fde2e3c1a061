#!/usr/bin/env bash
# All tests, in the two parts of tests/side_by_side.py: tests.sh PYTHON [arguments for pytest]
# The second runs although the first fails: one run tells all.
set -uo pipefail
python=$1
shift
no_tests=5 # pytest's exit code, when -k or the like has chosen none of this part

part() {
    "$python" -m pytest --part "$1" --numprocesses "$2" --dist loadfile --no-loadscope-reorder "${@:3}"
}

part busy 3 "$@"
busy=$?
part timed 2 "$@"
timed=$?
if [ $busy -eq $no_tests ]; then exit $timed; fi
if [ $timed -eq $no_tests ]; then exit $busy; fi
exit $((busy ? busy : timed))
