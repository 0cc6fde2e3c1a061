#!/usr/bin/env bash
# Sees to it that Qt can draw a window in memory, for the tests of the notebook that has one:
# qt.sh PYTHON
set -euo pipefail
python=$1

draws() { QT_QPA_PLATFORM=offscreen "$python" -c 'from PySide6.QtWidgets import QApplication; QApplication([])'; }

if draws >/dev/null 2>&1; then
    exit 0
fi
# What a bare Debian lacks of what its wheel is linked to.
"$(dirname "$0")/debian_install.sh" libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libxkbcommon0
draws
