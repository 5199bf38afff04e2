"""FHIR R4: what Saimi holds in the words of the patient record, and Observations in.

codes         what a metric is called in FHIR: LOINC, category, profile
observation   readings as Observations            pure
resources     Patient, Device, Flag, DetectedIssue    pure
kanta         an Observation as Kanta's PHR wants it    pure
bundle        Bundles, their links and cursors    pure
outcome       OperationOutcome, and errors that become one
search        search parameters, read strictly    pure
scopes        what a token's scopes allow    pure
tokens        bearer tokens of the county's identity provider
entry         who calls
store         the queries
reading       GET
incoming      POST
routes        the paths below /fhir/R4
"""
