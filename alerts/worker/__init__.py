"""The alert worker: one batch after another, in one transaction each."""
