"""Its presence beside ``tests/__init__.py`` puts the repository on the path, so that every test can import ``tests.toy``."""
