"""Readings and facts -> findings, by one table of rules."""
