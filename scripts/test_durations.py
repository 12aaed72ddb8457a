"""Keeps the durations of a run of tests, and prints the ten slowest.

    python3 scripts/test_durations.py RESULTS.xml DURATIONS.csv

RESULTS.xml is what `ctest --output-junit` writes. DURATIONS.csv has a line for each test: seconds,
status, name, the slowest first.
"""

import csv
import sys
import xml.etree.ElementTree as ElementTree

SHOWN = 10


def durations(path):
    """(seconds, status, name) of each test that ran."""
    cases = ElementTree.parse(path).getroot().iter("testcase")
    rows = [(float(case.get("time", 0)), case.get("status", ""), case.get("name", ""))
            for case in cases]
    return sorted(rows, key=lambda row: (-row[0], row[2]))


def main(results, kept):
    rows = durations(results)
    with open(kept, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", "status", "name"])
        writer.writerows((f"{seconds:.2f}", status, name) for seconds, status, name in rows)
    total = sum(row[0] for row in rows)
    print(f"test: {len(rows)} tests took {total:.0f} s one by one; the slowest (all in {kept}):")
    for seconds, _, name in rows[:SHOWN]:
        print(f"  {seconds:7.1f} s  {name}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
