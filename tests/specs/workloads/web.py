"""A web application: with a port it is served, else it is made and asked for its description."""

import json
import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

app = FastAPI()


class Number(BaseModel):
    value: int


@app.post("/next")
def following(number: Number) -> dict:
    return {"value": number.value + 1}


if len(sys.argv) > 1:
    uvicorn.run(app, port=int(sys.argv[1]))
    sys.exit()
print(json.dumps(app.openapi(), sort_keys=True))
print(following(Number(value=41)), uvicorn.__version__)
try:
    Number(value="many")
except ValidationError as error:
    print(error.error_count(), error.errors()[0]["type"])
