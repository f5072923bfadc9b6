"""What tests of correcting ask Blender for: where the handles are, how the bones are turned."""

import numpy as np

#: Names for what is asked of Blender.
SETUP = """
import importlib, sys
root = next(name for name in sys.modules if name.endswith("sketch2pose") and name.startswith("bl_ext"))
def part(name):
    return importlib.import_module(f"{root}.{name}")
def state():
    return part("editing.corrected").corrected(bpy.context)
def handle(joint):
    place = view3d()
    names = part("core.boundary").KEYPOINT_NAMES
    with bpy.context.temp_override(**place):
        found = state()
        x, y = part("editing.view").to_region(bpy.context, found.drawn, found.places)[names.index(joint)]
    region = place["region"]
    return (region.x + x, place["window"].height - 1 - (region.y + y))
def turns():
    return {bone.name: list(bone.rotation_quaternion) for bone in bpy.context.active_object.pose.bones}
"""


def changed(before, after):
    """Names of the bones that turned by more than a degree."""
    names = []
    for name, turn in before.items():
        cosine = abs(np.dot(turn, after[name]))
        if np.degrees(2 * np.arccos(min(cosine, 1.0))) > 1:
            names.append(name)
    return set(names)
