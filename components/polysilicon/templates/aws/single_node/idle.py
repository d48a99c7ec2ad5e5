# Runs on the machine every minute, as root: stops it when nobody has asked its server for a while.
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

metrics, note, idle_seconds, start_seconds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
stop = sys.argv[5:]
VALUE = r"(?:\{[^}]*\})? ([0-9.e+]+)$"
BUSY = re.compile(r"^vllm:num_requests_(?:running|waiting)" + VALUE, re.MULTILINE)
DONE = re.compile(r"^vllm:(?:prompt|generation)_tokens_total" + VALUE, re.MULTILINE)

now = time.monotonic()
# Since when nobody asks, and how many tokens the server had seen and made by then; -1 before it has ever answered.
since, done = json.loads(note.read_text()) if note.exists() else (now, -1.0)
try:
    text = urllib.request.urlopen(metrics, timeout=5).read().decode()
except OSError:
    pass
else:
    tokens = sum(map(float, DONE.findall(text)))
    if tokens != done or any(map(float, BUSY.findall(text))):
        since, done = now, tokens
note.write_text(json.dumps([since, done]))

# A server that has never answered may be starting, which takes its time; one that never will is stopped as well.
if now - since >= (idle_seconds if done >= 0 else idle_seconds + start_seconds):
    print(f"no request for {now - since:.0f} seconds: stopping", flush=True)
    subprocess.run(stop, check=True)
