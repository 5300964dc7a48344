from pieces.circle_a import value  # noqa
