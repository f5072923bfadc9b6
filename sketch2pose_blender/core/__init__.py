"""The part of the extension that knows nothing of Blender: the backend's client and the pose maths."""
