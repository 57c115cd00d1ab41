"""What Spil shows, in the words of FHIR R4: plain functions from what a read gives to resources, and nothing else.

Nothing here decides what somebody sees: what isn't shown to a reader doesn't get here. The profiles are those of the
nl-core package (http://nictiz.nl/fhir/StructureDefinition/nl-core-...), where there is one for what Spil knows.
"""
