"""Prints the scalars that PyPI's `tensorboard` finds in a folder.

One line each, `tag <TAB> step <TAB> value <TAB> wall time`, curve by curve. Every
value is a 32-bit float printed with the digits of a 64-bit one, so that whoever reads
it gets the same bits.
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# A guidance of 0 keeps all points; by default it draws a sample of 10,000.
accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0}).Reload()
assert accumulator.file_version == 2.0, accumulator.file_version
tags = accumulator.Tags()
found = [kind for kind, names in tags.items() if names]
assert found == ["scalars"], tags
sys.stdout.reconfigure(encoding="utf-8")
for tag in tags["scalars"]:
    for event in accumulator.Scalars(tag):
        print(tag, event.step, repr(event.value), repr(event.wall_time), sep="\t")
