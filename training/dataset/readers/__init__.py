"""Reads other people's labelled pictures of figures. One file a set, each with its table of joints.

Every ``read(path)`` yields :class:`~.record.LabelledImage`; what a set does not label stays unknown.
"""
