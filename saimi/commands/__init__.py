"""One small file per command or group of commands."""
