"""Which TCP ports answer; runs on a test host, by its own Python (3.9).

Reads {host: [ports]} from standard input, writes {host: [open ports]}. What is refused or silent is not open.
"""

from __future__ import annotations

import asyncio
import json
import sys

SILENCE = 1.5  # seconds; a neighbour's answer takes less than 1 ms
AT_ONCE = 1500


async def is_open(host: str, port: int, turn: asyncio.Semaphore) -> bool:
    async with turn:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), SILENCE)
        except (OSError, asyncio.TimeoutError):  # noqa: UP041  (two things before Python 3.11)
            return False
        writer.close()
        return True


async def scan(wanted: dict[str, list[int]]) -> dict[str, list[int]]:
    turn = asyncio.Semaphore(AT_ONCE)
    pairs = [(host, port) for host, ports in wanted.items() for port in ports]
    answers = await asyncio.gather(*(is_open(host, port, turn) for host, port in pairs))
    found: dict[str, list[int]] = {host: [] for host in wanted}
    for (host, port), answer in zip(pairs, answers):  # noqa: B905  (Python 3.9)
        if answer:
            found[host].append(port)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scan(json.load(sys.stdin)))))
