"""The annotation format: what a file may hold, and how it is read.

Every rule stands here once (:mod:`.rules`). The reader stops at the first entry that breaks one, ``das-mm data check``
runs the same reader and goes on, and what a converter makes is put before it too: what the check passes, training
reads.
"""
