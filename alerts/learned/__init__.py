"""What models say of a subject, as findings."""
