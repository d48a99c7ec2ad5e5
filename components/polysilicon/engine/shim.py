"""The file that the engine starts as its Python language host, where the release's own is not to be had."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from polysilicon.engine.model import LANGUAGE_HOST

# `sh` and not a `#!` line with the interpreter: that one may be long, or have spaces, or be gone by the time it is
# used, and then the kernel's «no such file» would name the wrong file. The folder of the package goes last in
# sys.path: it is needed in a source checkout only. -P keeps the project's own modules from shadowing libraries.
_TEXT = """\
#!/bin/sh
# The Python language host of Polysilicon's engine. Written by `polysilicon`; do not edit.
python={python}
if [ ! -x "$python" ]; then
    echo "$python is gone; run 'polysilicon doctor --install' from the Python that has Polysilicon now" >&2
    exit 1
fi
exec "$python" -P -c {code} "${{0%/*}}" "$@"
"""


def write_language_host(folder: Path) -> None:
    """Makes the language host in `folder` run on the interpreter of this process; does nothing if it does already."""
    path = folder / LANGUAGE_HOST
    wanted = _text()
    if path.is_file() and path.read_text() == wanted and os.access(path, os.X_OK):
        return
    fresh = folder / f".{LANGUAGE_HOST}.{os.getpid()}"
    fresh.write_text(wanted)
    fresh.chmod(0o755)
    fresh.replace(path)


def _text() -> str:
    package_parent = Path(__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path.append({str(package_parent)!r}); "
        "from polysilicon.engine.language_host import main; main()"
    )
    return _TEXT.format(python=shlex.quote(sys.executable), code=shlex.quote(code))
