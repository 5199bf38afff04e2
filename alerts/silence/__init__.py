"""What is not heard, and why: silence, its causes, and who is away."""
