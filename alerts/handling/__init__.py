"""What a person does to an episode."""
