"""From an MQTT message to a committed reading and its receipt.

In the order of a reading's way: `subscriber`, `decoders`, `directory`, `admission`, `batch`,
`writer`, `receipts`; `service` puts them together.
"""
