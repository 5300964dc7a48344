"""jsonschema's metaschemas are data of a package of their own."""

import jsonschema
from jsonschema import validators

schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}
for url in sorted(validators._META_SCHEMAS):
    validator = validators.validator_for({"$schema": url})
    validator.check_schema(schema)
    errors = validator(schema).iter_errors({"n": 1})
    print(url, validator.__name__, [error.message for error in errors])
    try:
        validator.check_schema({"type": "nonsense"})
    except jsonschema.SchemaError as error:
        print(" ", error.message, list(error.path))
print(jsonschema.FormatChecker().conforms("127.0.0.1", "ipv4"))
