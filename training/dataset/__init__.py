"""SKEP-style data sets: pages, labels and captions in WebDataset shards that are made from a seed."""
