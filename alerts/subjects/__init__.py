"""What is known of a subject when it is assessed."""
