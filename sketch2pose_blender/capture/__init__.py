"""From what a person has drawn in Blender, or brought into it, to a Sketch: raster and view."""
