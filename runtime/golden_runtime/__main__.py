"""`python -m golden_runtime`: what the person on call needs from a terminal."""

from __future__ import annotations

import sys

from golden_runtime.dlq_command import main

if __name__ == "__main__":
    sys.exit(main())
