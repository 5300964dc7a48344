from ... import values
from ...values import VALUE
from ..starred_module import NAME as STARRED

NAME = f"bottom {values.VALUE + VALUE} {STARRED}"
