"""Serves an exported run with FastAPI, under the paths of `lvm-torch serve`: python examples/fastapi_app.py RUN --port 8000

Before: lvm-torch export RUN, and pip install torch numpy fastapi uvicorn.
"""

import argparse, json, pathlib, resource, time, uuid
from collections import Counter

import numpy as np, torch, uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

options = argparse.ArgumentParser()
options.add_argument("run", type=pathlib.Path)
options.add_argument("--port", type=int, default=8000)
options.add_argument("--threads", type=int, default=torch.get_num_threads())
o = options.parse_args()
torch.set_num_threads(o.threads)
manifest = json.loads((o.run / "manifest.json").read_text())
model = torch.jit.load(str(o.run / "exported.ts.pt")).eval()
context, dim, name, BYTES = manifest["context"], manifest["dim"], o.run.name, "application/octet-stream"
app, answers = FastAPI(title=name, version="1.0.0"), Counter()

class Contexts(BaseModel):
    contexts: list[list[list[float]]]

def refused(status: int, code: str, detail: str):
    return HTTPException(status, {"code": code, "detail": detail})

@app.exception_handler(HTTPException)
async def problem(_: Request, error: HTTPException):  # RFC 9457
    told = error.detail if isinstance(error.detail, dict) else {"code": "NOT_FOUND", "detail": error.detail}
    answers[error.status_code] += 1
    body = {"title": told["code"], "status": error.status_code, **told, "request_id": str(uuid.uuid4())}
    return JSONResponse(body, error.status_code, media_type="application/problem+json")

def read(body: bytes, kind: str, shape: str) -> torch.Tensor:
    if not kind.startswith((BYTES, "application/json")):
        raise refused(415, "UNSUPPORTED_MEDIA", f"expected application/json or {BYTES} but received {kind}")
    try:
        raw = np.frombuffer(body, "<f4").reshape([int(n) for n in shape.split(",")]).copy() if kind == BYTES else None
        x = raw if raw is not None else np.array(Contexts.model_validate_json(body).contexts, np.float32)
    except ValueError as error:
        raise refused(400, "BAD_REQUEST", str(error).split("\n")[0])
    if x.size == 0 or x.shape[1:] != (context, dim):
        raise refused(400, "BAD_REQUEST", f"expected contexts of shape [batch, {context}, {dim}] but received {list(x.shape)}")
    if not np.isfinite(x).all():
        raise refused(422, "DATA_NOT_FINITE", "expected finite values")
    return torch.from_numpy(x)

@torch.inference_mode()
def infer(x: torch.Tensor):
    return model(x).numpy()

@app.post("/v1/predict", openapi_extra={"requestBody": {"content": {"application/json": {"schema": Contexts.model_json_schema()}, BYTES: {}}}})
async def predict(request: Request):
    kind = request.headers.get("content-type", "")
    y = await run_in_threadpool(infer, read(await request.body(), kind, request.headers.get("x-shape", "")))
    answers[200] += 1
    if kind == BYTES:
        return Response(y.tobytes(), media_type=BYTES, headers={"X-Shape": f"{len(y)},{dim}"})
    return JSONResponse({"predictions": y.tolist()})

@app.get("/v1/models")
def models():
    return {"models": [{"name": name, "architecture": manifest["model"], "dim": dim, "context": context}]}

app.get("/livez")(app.get("/readyz")(lambda: {"status": "ok"}))

@app.get("/metrics", response_class=PlainTextResponse)
def metrics():
    counts = [f'lvm_requests_total{{route="/v1/predict",status="{status}"}} {n}' for status, n in answers.items()]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # of Linux
    return "\n".join([*counts, f"process_cpu_seconds_total {time.process_time()}", f"process_resident_memory_bytes {memory}", ""])

uvicorn.run(app, port=o.port, log_level="warning")
