# SPDX-License-Identifier: Apache-2.0
"""mypy's part in the translations: what a daemon says to people is a literal where it is said.

The catalogues collect literals; whatever else became a sentence would be shown in English for ever.
"""

from collections.abc import Callable

from mypy.nodes import StrExpr
from mypy.plugin import FunctionContext, Plugin
from mypy.types import Type

_SENTENCE = "mokanda_firmware.bus.sentences.Sentence"


class _Sentences(Plugin):
    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Look at each call that makes a sentence."""
        return _check if fullname == _SENTENCE else None


def _check(call: FunctionContext) -> Type:
    if not (call.args and call.args[0] and isinstance(call.args[0][0], StrExpr)):
        call.api.fail(
            "the text of a Sentence is a literal, so that the catalogues have it", call.context
        )
    return call.default_return_type


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001 - as mypy calls it
    """Return what mypy is to use."""
    return _Sentences
