"""The parts `saimi up` starts by itself: a PostgreSQL and an MQTT broker on 127.0.0.1.

Each is a direct child process with its own directory below the data directory. Nothing here
knows of readings or alerts; it only starts servers, finds what an earlier killed run left
behind, and stops everything again.
"""
