"""openpyxl, loaded with the first workbook: it and what it brings take 13 MB in every process, most of which never make one.

Written `xlsx.Workbook()`; the name is looked up in openpyxl when it is used for the first time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl import Workbook as Workbook
    from openpyxl import load_workbook as load_workbook
    from openpyxl.cell import WriteOnlyCell as WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE as ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment as Alignment
    from openpyxl.styles import Font as Font
    from openpyxl.styles import PatternFill as PatternFill
    from openpyxl.utils import column_index_from_string as column_index_from_string
    from openpyxl.utils import get_column_letter as get_column_letter
    from openpyxl.utils import range_boundaries as range_boundaries
    from openpyxl.utils.datetime import from_excel as from_excel
    from openpyxl.worksheet.datavalidation import DataValidation as DataValidation
else:
    _PLACES = {
        "Workbook": "openpyxl",
        "load_workbook": "openpyxl",
        "WriteOnlyCell": "openpyxl.cell",
        "ILLEGAL_CHARACTERS_RE": "openpyxl.cell.cell",
        "Alignment": "openpyxl.styles",
        "Font": "openpyxl.styles",
        "PatternFill": "openpyxl.styles",
        "column_index_from_string": "openpyxl.utils",
        "get_column_letter": "openpyxl.utils",
        "range_boundaries": "openpyxl.utils",
        "from_excel": "openpyxl.utils.datetime",
        "DataValidation": "openpyxl.worksheet.datavalidation",
    }

    def __getattr__(name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(name)
        found = globals()[name] = getattr(import_module(_PLACES[name]), name)
        return found
