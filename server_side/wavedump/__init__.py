"""WaveDump files in, events out: bounded memory, also while the file still grows.

``open_reader`` tells the format from the content; one file of this package
reads one format. See ``docs/formats.md`` for an example of each.
"""
