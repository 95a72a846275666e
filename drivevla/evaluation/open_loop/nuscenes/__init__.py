"""Open-loop planning on nuScenes: the protocols of UniAD, VAD, ST-P3, AD-MLP, OpenDriveVLA and BEV-Planner.

All compare six positions, half a second apart, and judge collisions on occupancy rasters. They differ in everything
else: the mean (at a time or up to it), which objects count, the sample set, the denominator. ``docs/open-loop.md`` has
the table.
"""
