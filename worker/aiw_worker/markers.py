"""Environment markers of a lock file ("python_full_version < '3.11' and sys_platform == 'win32'").

Standard library only: what reads a lock to find damage must not need the packages that may be damaged.
"""

from __future__ import annotations

import ast
import os
import platform
import sys
from collections.abc import Mapping

_VERSIONS = frozenset({"python_version", "python_full_version"})


def own_environment() -> dict[str, str]:
    """What the markers' names mean in this interpreter."""
    return {
        "python_full_version": ".".join(map(str, sys.version_info[:3])),
        "python_version": ".".join(map(str, sys.version_info[:2])),
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_system": platform.system(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
    }


def holds(marker: str, environment: Mapping[str, str]) -> bool:
    """Whether a marker holds; an empty one always does. A marker is also a Python expression.

    Raises:
        ValueError: for what is no marker of names that are known.
    """
    if not marker.strip():
        return True
    try:
        tree = ast.parse(marker.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"marker {marker!r} can't be read") from error
    return _truth(tree.body, environment)


def _truth(node: ast.expr, environment: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        truths = [_truth(value, environment) for value in node.values]
        return all(truths) if isinstance(node.op, ast.And) else any(truths)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and len(node.ops) == 1:
        (operator,), (right,) = node.ops, node.comparators
        if node.left.id in environment and isinstance(right, ast.Constant) and isinstance(right.value, str):
            own = environment[node.left.id]
            if node.left.id in _VERSIONS:
                return _compare_versions(own, operator, right.value)
            return _compare_texts(own, operator, right.value)
    raise ValueError(f"marker part {ast.unparse(node)!r} is not known")


def _compare_texts(own: str, operator: ast.cmpop, other: str) -> bool:
    if isinstance(operator, ast.Eq):
        return own == other
    if isinstance(operator, ast.NotEq):
        return own != other
    raise ValueError(f"texts are not compared by {type(operator).__name__}")


def _compare_versions(own: str, operator: ast.cmpop, other: str) -> bool:
    left, right = _numbers(own), _numbers(other.removesuffix(".*"))
    if other.endswith(".*"):
        left = left[: len(right)]
    length = max(len(left), len(right))
    left, right = (part + (0,) * (length - len(part)) for part in (left, right))
    answers = {
        ast.Eq: left == right,
        ast.NotEq: left != right,
        ast.Lt: left < right,
        ast.LtE: left <= right,
        ast.Gt: left > right,
        ast.GtE: left >= right,
    }
    if type(operator) not in answers:
        raise ValueError(f"versions are not compared by {type(operator).__name__}")
    return answers[type(operator)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
