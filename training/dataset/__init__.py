"""Drawings with their labels, as files."""
