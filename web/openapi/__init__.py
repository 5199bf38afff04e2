"""The JSON API's description (OpenAPI 3.1), written from what its routes declare.

operation   what a handler says of itself: `described`
answers     the shapes of what is answered
document    all of it as one document, at /api/openapi.json
"""
