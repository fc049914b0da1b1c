"""Looking into networks: what goes through each layer, a table of the layers, and the part of the image that a unit sees::

    from nndl_lib import inspection

    probe = inspection.record(model, X)
"""

from nndl_lib.inspection._architecture import architecture_table, ArchitectureTable, Row, receptive_field, ReceptiveField
from nndl_lib.inspection._probes import record, Probe

__all__ = ["record", "Probe"]
__all__ += ["architecture_table", "ArchitectureTable", "Row", "receptive_field", "ReceptiveField"]
