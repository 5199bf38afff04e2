"""What several tests need: real databases of every edition, brokers, a browser."""
