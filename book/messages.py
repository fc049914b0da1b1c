"""What the build says while it runs, and its last word where it cannot go on."""

import sys
from typing import NoReturn


def say(text: str) -> None:
    """Print it now, also where the output is a pipe."""
    print(text, file=sys.stdout, flush=True)


def stop(text: str) -> NoReturn:
    """End the build with a line that says where and why, instead of a traceback."""
    say(f"\n{text}")
    sys.exit(1)
