"""Engines: what runs the networks. Each answers the protocol backend.keypoints.Engine."""
