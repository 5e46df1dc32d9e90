"""Prints the newest run of a tracking server, as the client of MLflow reads it."""

import json
import sys

from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("lvm-torch")
run = client.search_runs([experiment.experiment_id])[0]
history = {name: [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, name)] for name in run.data.metrics}
print(json.dumps({"status": run.info.status, "name": run.info.run_name, "params": run.data.params, "history": history}))
