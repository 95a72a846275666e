"""Sensors of the embedded simulator, by ray casting on the CPU.

``Renderer`` answers *shots* (``requests``) of a static ``SceneMesh`` and a ``DynamicFrame``; what comes back is in
``measurements``. What each sensor models, and what it does not: ``docs/sensors.md``.
"""
