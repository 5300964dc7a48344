__all__ = ["star_one"]
__all__ += ["star_two"]
star_one = star_two = star_hidden = 1
