"""Rules about code that does by hand what the runtime does."""
