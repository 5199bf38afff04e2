"""Grafana dashboards as code: typed, rendered to files or provisioned over Grafana's API."""
