import colorsys

NAME = "circle"
