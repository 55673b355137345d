"""What a delivery is refused with."""


class Refusal(Exception):  # noqa: N818 - it is an answer, no fault of ours
    """`status` and text of the answer; the text holds nothing of what was sent."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
