"""The shared kernel: what two packages or more need, and nothing else."""
