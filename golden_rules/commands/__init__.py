"""The subcommands of `golden-rules`, one module each, read only when they run."""
