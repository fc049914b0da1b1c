"""Looking into networks: what goes through each layer, a table of the layers, the part of the image that a unit sees.

None of it changes the network or what it does next::

    from nndl_lib import inspection

    probe = inspection.record(model, X)
"""

from nndl_lib.inspection._architecture import (
    ArchitectureTable,
    ReceptiveField,
    Row,
    architecture_table,
    receptive_field,
)
from nndl_lib.inspection._probes import Probe, record

__all__ = ["record", "Probe"]
__all__ += ["architecture_table", "ArchitectureTable", "Row", "receptive_field", "ReceptiveField"]
