"""Found by unittest's discovery."""

import unittest


class Sample(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1 + 1, 2)
