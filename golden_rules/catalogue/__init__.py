"""What a project measures, told from its source alone."""
