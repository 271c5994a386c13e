"""Result trees of the system that this one replaces, read into the store.

``names`` knows the layouts, ``tree`` and ``files`` read, ``numbering`` counts takes,
``copies`` knows what lies twice, ``importing`` stores, ``report`` says what was done;
``imported``, one folder up, is what comes out, for everybody who reads the store.
"""
