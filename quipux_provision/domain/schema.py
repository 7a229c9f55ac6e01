"""The JSON Schema of request files, for editors; derived from the same tables the loader reads."""

from __future__ import annotations

from typing import Any

from quipux_provision.domain.field_types import HOURS_MAXIMUM, Listing, Node, Scalar, Section
from quipux_provision.domain.fields import (
    ADOPTED_REQUEST,
    APC,
    CENTRAL,
    CHANGE_REQUEST,
    CITIZEN,
    CITIZEN_REQUEST,
    EXECUTIVE_COMPANY,
    INSTITUTION_REQUEST,
)

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12). It says less than the loader: no check digits, places or files."""
    adopted = _allows_central(_node(ADOPTED_REQUEST))
    institution = _allows_central(_node(INSTITUTION_REQUEST))
    return {
        "$schema": _DRAFT,
        "title": "Solicitud de quipux-provision",
        "description": "Solicitud de una institución y su administrador (AIQ), o de un ciudadano con firma.",
        "type": "object",
        "if": {"properties": {"via": {"const": CITIZEN}}, "required": ["via"]},
        "then": _node(CITIZEN_REQUEST),
        "else": {"if": {"required": ["adopcion"]}, "then": adopted, "else": institution},
    }


def change_schema() -> dict[str, Any]:
    """Return the schema of a change of the administrator, as :func:`json_schema` does."""
    return {
        "$schema": _DRAFT,
        "title": "Cambio de administrador de quipux-provision",
        **_node(CHANGE_REQUEST),
    }


def _allows_central(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "allOf": [_central_is_for_the_central_administration()]}


def _node(node: Node) -> dict[str, Any]:
    if isinstance(node, Section):
        section = {
            "description": node.about,
            "type": "object",
            "additionalProperties": False,
            "required": [key for key, child in node.fields.items() if child.required],
            "properties": {key: _node(child) for key, child in node.fields.items()},
        }
        if node.depends:
            section["dependentRequired"] = {key: [other] for key, other in node.depends.items()}
        return section
    if isinstance(node, Listing):
        return {"description": node.about, "type": "array", "maxItems": node.limit, "items": _node(node.item)}
    return _scalar(node)


def _scalar(node: Scalar) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": node.about}
    if node.kind == "boolean":
        return {**schema, "type": "boolean"}
    if node.kind == "number":
        return {**schema, "type": "number", "exclusiveMinimum": 0, "maximum": HOURS_MAXIMUM}
    schema["type"] = "string"
    if node.choices:
        schema["enum"] = list(node.choices)
    if node.kind == "date":
        schema["format"] = "date"
    if node.limit:
        schema["maxLength"] = node.limit
    if node.pattern:
        schema["pattern"] = node.pattern
    if node.default:
        schema["default"] = node.default
    if node.examples:
        schema["examples"] = list(node.examples)
    return schema


def _central_is_for_the_central_administration() -> dict[str, Any]:
    executive = {"properties": {"pertenencia": {"const": EXECUTIVE_COMPANY}}, "required": ["pertenencia"]}
    return {
        "if": {"properties": {"via": {"const": CENTRAL}}, "required": ["via"]},
        "then": {
            "properties": {
                "institucion": {
                    "properties": {"pertenencia": {"enum": [APC, EXECUTIVE_COMPANY]}},
                    "if": executive,
                    "then": {"required": ["motivo"]},
                }
            }
        },
    }
