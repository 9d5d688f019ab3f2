"""`python -m golden_rules`."""

from golden_rules.cli import main

if __name__ == "__main__":
    main()
