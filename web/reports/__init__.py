"""Reports, each as a page and as a PDF: the county's month, and a client's twelve weeks.

month     which month, and when it begins and ends in the county
county    the month's figures, from the functions that the county's dashboard counts with
words     what they say, in sentences
decline   a home's weeks beside one another
client    a client's report; client_words its sentences
plots     columns as SVG
paper     a page as an accessible PDF
"""

from web.reports import client, routes

ROUTES = [*routes.ROUTES, *client.ROUTES]

__all__ = ["ROUTES"]
