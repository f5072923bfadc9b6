"""The drawing machine: posed bodies become drawings as people make them, with exact labels."""
