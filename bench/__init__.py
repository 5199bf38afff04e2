"""Measures how fast Saimi is, beside the limits of the parts it is built on, in the same run.

What is measured is the real thing (a real `saimi ingest`, a real broker and database, everything
on); who starts these is not known here.
"""
