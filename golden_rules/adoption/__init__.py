"""Bringing the linter to code that exists: what counts today, what counts later, and what counts in a change."""
