"""Who is called, and who next."""
