"""The report of a closed-loop run, and of two runs side by side.

===============  ====================================================================
``run``          the folder of a run, read and checked
``track``        a drive as arrays: where it was, how fast, what was said
``infractions``  what each kind of infraction is called, and what it cost in points
``story``        what went wrong, where and why, in a sentence; what the car did, in a few words
``network``      the lanes of a map, for drawing
``cards``        a drive as the page shows it
``views``        a whole page: one run, or two of them
===============  ====================================================================
"""
