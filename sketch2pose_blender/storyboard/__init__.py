"""Whole storyboards: the list of panels, brought in from files, and posed as keys."""
