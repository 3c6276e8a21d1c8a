"""Where anybody asks whether a statement is genuine, and learns nothing else."""
