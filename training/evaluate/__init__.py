"""Metrics, tables and pictures of how well drawings are read."""
