import sys

sys.count_of_child = count = getattr(sys, "count_of_child", 0) + 1
