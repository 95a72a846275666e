"""Readers and writers of the sample schema, one sub-package for each data set.

Each sub-package is a link to the folder of the same name under the repository's ``datasets/``, which must never hold an
``__init__.py``: there it would shadow Hugging Face ``datasets`` for everything started from the repository's root.
"""
