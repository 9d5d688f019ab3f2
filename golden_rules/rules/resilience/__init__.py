"""GR30x: resilience code written by hand."""
