"""A client's trends: readings, activity and the range expected, over a day or a year.

routes.py     what the page and its scripts ask for
subject.py    whose trends they are
bands.py      the range in which values are expected
readings.py   columns for charts, from single readings or from the aggregate that fits
activity.py   movement by place: a strip over days, a raster of days and hours beyond
comparing.py  two periods beside one another
export.py     readings as CSV
visit.py      all of it on paper, for a visit
"""

from web.trends.bands import bands, chart_band
from web.trends.readings import metrics_of
from web.trends.subject import Subject, find_subject

__all__ = ["Subject", "bands", "chart_band", "find_subject", "metrics_of"]
