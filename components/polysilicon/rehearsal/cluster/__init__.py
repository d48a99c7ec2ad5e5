"""What becomes of pods in a simulated cluster: its nodes, the scheduler, and the provider that waits for a rollout.

Nodes are worked out from the simulated accounts alone, so it holds for any program. A cluster whose nodes cannot be
known runs every pod; how often that was so is counted.
"""

from __future__ import annotations

from polysilicon.rehearsal.cluster.rollouts import NotReadyError, Rollouts

__all__ = ["NotReadyError", "Rollouts"]
