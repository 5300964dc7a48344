import colorsys

result = colorsys.rgb_to_hsv(0, 0, 1)
