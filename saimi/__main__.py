"""`python -m saimi`: the command line without its script, as `saimi up` starts its services."""

from saimi.cli import main

main()
