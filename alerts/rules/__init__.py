"""The rules as data: read, checked, changed and listed (rules.toml)."""
