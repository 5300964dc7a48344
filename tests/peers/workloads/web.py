"""A web application: with a port it is served, else it is only made."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Number(BaseModel):
    a: int


@app.post("/x")
def following(number: Number):
    return {"a": number.a + 1}


if len(sys.argv) > 1:
    uvicorn.run(app, port=int(sys.argv[1]))
else:
    print(len(app.routes))
