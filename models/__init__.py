"""Scores and models: pure numpy, no input or output, one estimator a file."""
