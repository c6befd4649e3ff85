"""The documentation site: its pages, what is generated for it, and how it is put together (:mod:`docs.assembly`)."""
