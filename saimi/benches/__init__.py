"""What `saimi bench` measures, put together: the parts, and who starts the services."""
