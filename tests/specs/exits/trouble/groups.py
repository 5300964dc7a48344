def caught(error):
    try:
        raise error
    except Exception as raised:
        return raised


def raise_group():
    errors = [caught(ValueError("one")), caught(TypeError("two"))]
    raise ExceptionGroup("several", errors)  # noqa: F821
