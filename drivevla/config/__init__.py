"""Configuration: typed presets in YAML, composed by name, changed by ``key=value``, checked against dataclasses.

==============  ======================================================================================
``places``      where things live: the only module that reads the environment
``yaml_text``   the strict, safe subset of YAML that presets are written in
``presets``     finds presets by name and composes them
``resolve``     preset and overrides to a checked dataclass, and back to YAML; the function everybody calls
``groups``      which dataclass a folder of ``configs/`` is checked against
``rig``         the sensor rig of a vehicle, as it is written down
``sensor_rig``  the same as the contract that simulators and readers take
==============  ======================================================================================
"""
