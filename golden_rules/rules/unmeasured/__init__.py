"""GR10x: critical functions that nothing measures."""
