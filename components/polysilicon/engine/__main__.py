"""`python -m polysilicon.engine`: gets the engine ready, with its progress shown, and says which one it is."""

from __future__ import annotations

import sys

from polysilicon.engine import console_report, ensure_engine
from polysilicon.errors import UserError


def main() -> None:
    """Ends with exit code 1 and the reasons if there is no engine to be had."""
    try:
        with console_report() as report:
            engine = ensure_engine(report)
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"pulumi {engine.version} ({engine.origin}): {engine.pulumi}")


if __name__ == "__main__":
    main()
