"""Builds synthetic sketches from motion capture and trains, evaluates and exports the networks that ship."""
