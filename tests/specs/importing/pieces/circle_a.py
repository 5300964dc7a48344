from pieces.circle_b import value  # noqa
