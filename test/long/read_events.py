"""Prints the scalars of an event file by name, as TensorBoard's own reader gives them: [step, value, wall time]."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

reader = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
reader.Reload()
print(json.dumps({name: [[e.step, e.value, e.wall_time] for e in reader.Scalars(name)] for name in reader.Tags()["scalars"]}))
