"""scripts/test_durations.py: order, the file that is kept, what is printed."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "scripts"))
import test_durations  # noqa: E402


class Durations(unittest.TestCase):
    def run_on(self, seconds):
        cases = "".join(f'<testcase name="test{i}" time="{time}" status="run"/>'
                        for i, time in enumerate(seconds))
        with tempfile.TemporaryDirectory() as folder:
            results, kept = os.path.join(folder, "r.xml"), os.path.join(folder, "d.csv")
            with open(results, "w", encoding="utf-8") as file:
                file.write(f"<testsuite>{cases}</testsuite>")
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                test_durations.main(results, kept)
            with open(kept, encoding="utf-8") as file:
                return printed.getvalue().splitlines(), file.read().splitlines()

    def test_the_slowest_come_first(self):
        printed, kept = self.run_on([1, 30.5, 2])
        self.assertEqual(kept[0], "seconds,status,name")
        self.assertEqual(kept[1], "30.50,run,test1")
        self.assertEqual([line.split()[-1] for line in printed[1:]], ["test1", "test2", "test0"])
        self.assertIn("3 tests took 34 s", printed[0])

    def test_ten_are_printed_and_all_are_kept(self):
        printed, kept = self.run_on(range(15))
        self.assertEqual(len(printed), 11)
        self.assertEqual(len(kept), 16)


if __name__ == "__main__":
    unittest.main()
