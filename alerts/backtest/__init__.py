"""History again, through changed rules and models."""
