"""Draws samples of audits as docs/audit.md describes them, apart from the program: python3 make.py > vectors.json"""
import hashlib
import json

STATES = ["verified", "unsigned", "signed-untrusted", "exempt", "undetermined", "revoked"]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def name(moment, entry):
    return json.dumps([moment, *entry], separators=(",", ":"), ensure_ascii=False)


def entries(number):
    """What runs, as (namespace, owner, path, text, image, source, state)."""
    rows = []
    for index in range(number):
        owner = f"Deployment app-{index}" if index else "Deployment \u00fcber \u4f8b \U0001f512"
        text = f"registry.example/app-{index}:1"
        image = f"registry.example/app-{index}@sha256:{sha256(str(index))}"
        rows.append(["shop", owner, "spec.containers[0].image", text, image, "status", STATES[index % len(STATES)]])
    return rows


def draw(snapshots, seed, count, states):
    names = [
        name(moment, entry) for moment, found in snapshots for entry in found if not states or entry[6] in states
    ]
    draws = sorted((sha256(f"sealwright audit sample v1\n{seed}\n{one}"), one) for one in names)
    frame = sha256("".join(f"{hashed}\n" for hashed in sorted(map(sha256, names))))
    return {
        "seed": seed,
        "count": count,
        "states": states,
        "snapshots": [[moment, len(found)] for moment, found in snapshots],
        "frame": {"units": len(names), "digest": f"sha256:{frame}"},
        "units": [{"draw": hashed, "name": one} for hashed, one in draws[:count]],
    }


DAYS = [[f"2026-03-{day:02}T08:00:00.000Z", entries(12)] for day in range(1, 5)]
CASES = [
    draw(DAYS[:1], "2026-Q1", 3, []),
    draw(DAYS[:1], "2026-Q2", 3, []),
    draw(DAYS, "2026-Q1", 25, []),
    draw(DAYS, "\u00fcber \u4f8b", 5, ["verified", "revoked"]),
    draw(DAYS[:2], "all", 100, ["exempt"]),
    draw([[DAYS[0][0], []]], "nothing", 25, []),
]
print(json.dumps({"states": STATES, "cases": CASES}, indent=1, ensure_ascii=False))
