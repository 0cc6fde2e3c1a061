#!/usr/bin/env bash
# All tests, in the two parts of tests/side_by_side.py: tests.sh PYTHON [arguments for pytest]
# The second runs although the first fails: one run tells all.
set -uo pipefail
python=$1
shift
some_failed=1 no_tests=5 # pytest's exit codes; none, when -k or the like has chosen none

part() {
    "$python" -m pytest --part "$1" --numprocesses "$2" --dist loadfile --no-loadscope-reorder "${@:3}"
}

part busy 3 --cache-clear "$@"
busy=$?
part timed 3 "$@"
timed=$?
if [ $busy -eq $no_tests ]; then
    code=$timed
elif [ $timed -eq $no_tests ]; then
    code=$busy
else
    code=$((busy > timed ? busy : timed))
fi
if [ $code -ne $some_failed ]; then exit $code; fi

echo 'What failed side by side, once more with the machine for itself. A test that passes now had too'
echo 'little of the machine, or waits for less than it says: that is a fault too, if a small one.'
"$python" -m pytest --last-failed --last-failed-no-failures none --maxfail 3 "$@"
alone=$?
# None: the run failed, but no test did.
exit $((alone == no_tests ? code : alone))
