"""The terminal, and files: where what is typed comes from, and what is said goes.

All that the specification does to the outer world is here and in ``__main__``.
"""

import shutil
import sys
from pathlib import Path
from random import Random

from foregone_spec.model import A, S
from foregone_spec.stepping import Outside, Refused, Session
from foregone_spec.trace import SIZE_LIMIT


class Terminal:
    """Lines that are typed, or come through a pipe, and text that goes out."""

    typed: bool  # by somebody, who is asked, and told of his errors where he reads

    def __init__(self) -> None:
        both = (sys.stdin, sys.stdout)  # whoever starts a program may have closed them
        self.typed = all(each is not None and each.isatty() for each in both)

    @property
    def columns(self) -> int:
        """How wide the terminal is, 0 if there is none."""
        return shutil.get_terminal_size((0, 0)).columns if self.typed else 0

    @staticmethod
    def write(text: str) -> None:
        """Write ``text``; do nothing more if whoever reads has seen enough, or is not there.

        Raises Refused where it cannot be written, as on a full disk.
        """
        if sys.stdout is None:
            return
        try:
            coding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(text.encode(coding, "backslashreplace").decode(coding))
            sys.stdout.flush()
        except OSError as error:
            try:
                sys.stdout.close()  # or the interpreter tries again at its end
            except OSError:
                pass
            if not isinstance(error, BrokenPipeError):
                raise Refused(f"standard output cannot be written: {error.strerror}") from None

    @staticmethod
    def content(file: str) -> str:
        """Return the text of a file; raise Refused if it cannot be read."""
        try:
            with Path(file).open("rb") as opened:
                data = opened.read(SIZE_LIMIT + 1)
        except OSError as error:
            raise Refused(f"{file or repr(file)} cannot be read: {error.strerror}") from None
        except ValueError as error:  # no file can be called so
            raise Refused(f"{file!r} cannot be read: {error}") from None
        try:
            return data.decode(errors="replace" if len(data) > SIZE_LIMIT else "strict")
        except UnicodeDecodeError as error:
            raise Refused(f"{file} is not UTF-8 text, at byte {error.start}") from None

    @staticmethod
    def keep(file: str, text: str | bytes) -> None:
        """Write ``text`` to a file; raise Refused if it cannot be written."""
        try:
            Path(file).write_bytes(text.encode() if isinstance(text, str) else text)
        except OSError as error:
            raise Refused(f"{file or repr(file)} cannot be written: {error.strerror}") from None
        except ValueError as error:
            raise Refused(f"{file!r} cannot be written: {error}") from None

    def outside(self, seed: int) -> Outside:
        """Return what a session needs; chance begins with ``seed``."""
        return Outside(self.content, self.keep, Random(seed).randrange)

    def lead(self, session: Session[S, A], *, as_json: bool) -> int:
        """Carry out what is typed, line by line, to its end; return the exit code.

        It is 2 if something that came through a pipe could not be carried out.
        """
        code = 0
        self.write(session.as_json() if as_json else session.shown(self.columns))
        while not session.over:
            if self.typed:
                self.write("> ")
            line = self._line()
            if not line:
                break
            try:
                said, refused = session.do(line), ""
            except Refused as error:
                said, refused, code = "", str(error), 0 if self.typed else 2
            if as_json:
                self.write(session.as_json(said, refused))
            elif refused:
                self._complain(refused)
            elif not session.over:
                self.write(f"{said}\n" * bool(said) + session.shown(self.columns))
        return code

    @staticmethod
    def _line() -> str:
        """Return the next line, "" at the end; raise Refused where it is no text."""
        try:
            return "" if sys.stdin is None else sys.stdin.readline()
        except UnicodeDecodeError as error:
            raise Refused(f"standard input is not {error.encoding} text") from None

    def _complain(self, refused: str) -> None:
        if self.typed:
            self.write(f"{refused}\n")
        else:
            print(f"foregone-spec: {refused}", file=sys.stderr)
