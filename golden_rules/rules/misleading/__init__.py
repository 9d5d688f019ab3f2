"""Rules about instrumentation that lies: misplaced, doubled, conflicting, unbounded, or blind to failures."""
