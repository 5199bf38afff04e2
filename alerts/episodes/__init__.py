"""Findings -> episodes: joined over time, written, and listed."""
