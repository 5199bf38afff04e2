"""What is said to people outside: an outbox, and the worker that sends it."""
