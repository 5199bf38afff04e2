"""Coverage-guided fuzzing; `make fuzz` runs it, the unit suite only its parts."""
