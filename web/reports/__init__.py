"""Reports: the county's month, as a page and as a PDF.

month     which month, and when it begins and ends in the county
county    the month's figures, from the functions that the county's dashboard counts with
words     what they say, in sentences
plots     columns as SVG
paper     a page as an accessible PDF
"""

from web.reports.routes import ROUTES

__all__ = ["ROUTES"]
