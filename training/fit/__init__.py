"""Data on disk, batches, losses and the training loop."""
