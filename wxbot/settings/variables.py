"""What a variable of the environment gave, where only a plugin knows what is wanted of it."""


class FromVariable(str):
    """A text in a plugin's section that came from a variable, whose name it keeps."""

    __slots__ = ("variable",)

    variable: str

    def __new__(cls, text: str, variable: str) -> "FromVariable":
        """Keep the name with the text."""
        made = super().__new__(cls, text)
        made.variable = variable
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Let copies be made."""
        return str(self), self.variable
