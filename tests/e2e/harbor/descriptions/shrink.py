# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a small JSON file of an API description of Harbor: shrink.py
swagger.yaml > swagger-VERSION.json.  Needs python3-yaml; no test does."""
import json
import sys

import yaml

# What says nothing about the form of a request or an answer.
PROSE = {"description", "summary", "tags", "operationId", "example",
         "produces", "deprecated", "default"}


def shrink(value, named=False):
    """Without prose; `named` are dicts whose keys are names."""
    if isinstance(value, list):
        return [shrink(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {str(key): shrink(one, key == "properties")
            for key, one in value.items() if named or key not in PROSE}


def operation(described):
    small = {"parameters": shrink(described.get("parameters", [])),
             "responses": {str(status): response(one) for status, one
                           in described["responses"].items()}}
    if "produces" in described:
        small["produces"] = described["produces"]
    return small


def response(described):
    if "$ref" in described:
        return {"$ref": described["$ref"]}
    return shrink(described.get("schema"))


def lines(members):
    """A line for each member, so that versions can be compared."""
    return "{\n" + ",\n".join(
        f" {json.dumps(name)}: {json.dumps(value, sort_keys=True)}"
        for name, value in sorted(members.items())) + "\n}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = yaml.safe_load(file)
    parts = {
        "paths": {path: {method: operation(one)
                         for method, one in operations.items()}
                  for path, operations in whole["paths"].items()},
        "parameters": shrink(whole["parameters"], True),
        "responses": {name: response(one) for name, one
                      in whole["responses"].items()},
        "definitions": shrink(whole["definitions"], True)}
    print("{" + f'"basePath": {json.dumps(whole["basePath"])}')
    for name, members in parts.items():
        print(f', "{name}": {lines(members)}')
    print("}")


main()
