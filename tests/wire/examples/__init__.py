"""The examples of the API's description: one story that calls every operation, and what was asked and answered in it.

A new operation gets its example from one more `step` in `chapters.py` or `more_chapters.py`; then run
`python -m tests.wire.examples`, which plays the story on a database of its own and writes the examples down.
"""
