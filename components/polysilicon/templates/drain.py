# Runs inside the serving container before it is told to stop: waits until the server has finished what it has, so that
# the signal finds it idle. For servers that would drop their requests at the signal.
import re
import sys
import time
import urllib.request

metrics, settle_seconds, drain_seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
BUSY = re.compile(r"^vllm:num_requests_(?:running|waiting)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)

time.sleep(settle_seconds)
deadline = time.monotonic() + drain_seconds
while time.monotonic() < deadline:
    try:
        text = urllib.request.urlopen(metrics, timeout=5).read().decode()
    except OSError:
        break
    if not any(float(count) for count in BUSY.findall(text)):
        break
    time.sleep(1)
