"""What people decide, and how it is carried out on the server.

``rules`` says who may be settled how and ``offers`` what a page may offer: both
only look at the store. ``take_acts`` and ``scan_acts`` turn a command into an
act, or refuse it with words; ``moves`` carries acts out on the server, and
``outcomes`` says what a finished one changes in the store. ``clean_up`` is about
local copies alone.
"""
