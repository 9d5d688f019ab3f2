"""How findings are shown: one module for each format, each a function from a run to text."""
