"""The command line and `saimi up`: the only package that constructs and connects things."""
