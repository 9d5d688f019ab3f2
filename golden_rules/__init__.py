"""golden-rules: every critical function is measured, and nobody hand-builds what the runtime does."""

__version__ = "0.1.0"
