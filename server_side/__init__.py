"""The cluster part: WaveDump files in, published results out.

It stands alone: only what ``server_side/requirements.txt`` names is needed.
The other folders import nothing of it but the contract (``boundary``,
``errors``, ``scan``, ``settings``, ``layout``, ``order``, ``result``,
``publish``, ``journal``, ``acquisitions``) and ``hv_curve``.
"""

__version__ = "0.1.0"
