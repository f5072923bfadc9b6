"""The SMPL armature: building it with its skinned body, recognising it, posing it."""
