"""The program, which ends with the command: `golden-rules`, and `python -m golden_rules`."""

from golden_rules.cli import main
from golden_rules.collector import no_search_at_exit


def run() -> None:
    """Run the command line that the program was started with."""
    no_search_at_exit()
    main()


if __name__ == "__main__":
    run()
