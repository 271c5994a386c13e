"""What people decide, and how it is carried out on the server.

``refusals`` says what is open to which act, for executor, command line and pages
alike, ``rules`` who may be settled how, and ``offers`` what a page may offer: all
only look at the store. ``take_acts`` and ``scan_acts`` turn a command into an
act, or refuse it with words; ``moves`` carries acts out on the server,
``rolling_back`` takes back what cannot be done, and ``outcomes`` says what a finished
one changes in the store. ``clean_up`` is about local copies alone.
"""
