"""Where Blender is not installed, its tests are not even read: `make test-blender` runs them."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("bpy") else ["blender"]
