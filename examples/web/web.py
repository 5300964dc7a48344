"""A web server: `web PORT` answers at http://127.0.0.1:PORT/greet/NAME."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Greeting(BaseModel):
    text: str
    length: int


@app.get("/greet/{name}")
def greet(name: str) -> Greeting:
    text = f"hello {name}"
    return Greeting(text=text, length=len(text))


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    uvicorn.run(app, host="127.0.0.1", port=port, loop="asyncio", http="h11", ws="none", lifespan="off")
