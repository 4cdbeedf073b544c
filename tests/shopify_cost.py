"""What a document costs at Shopify before it is carried out, by the plain reckoning.

What belongs here: that sum. What does not: what is answered (`fake_shops`).
Source: shopify.dev "GraphQL Admin API rate limits": a scalar 0, an object 1, a connection by its size, a mutation 10;
and what Shopify's engineers wrote of it ("Rate limiting GraphQL APIs by calculating query complexity"): a connection is
two, and so many times what one of its nodes is. Shopify takes less for some fields and tells nobody beforehand, so this
is the most that it may find; an interface is its dearest choice, and a list of no told size is taken for one object.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    parse,
    value_from_ast_untyped,
)

MOST = 1000
MUTATION = 10


def reckoned(schema: GraphQLSchema, document: str, variables: dict[str, Any]) -> int:
    """The points of a document with these variables."""
    parsed = parse(document)
    fragments = {one.name.value: one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)}
    [operation] = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
    root = schema.get_root_type(operation.operation)
    assert root is not None
    one = _Reckoning(schema, fragments, variables)
    return one.of(operation.selection_set, root) + (MUTATION if operation.operation.value == "mutation" else 0)


class _Reckoning:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: dict[str, Any]
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def of(self, selected: SelectionSetNode, parent: Any, nodes: int = 1) -> int:
        """What is selected of a type; `nodes` is the size of the connection that the type is."""
        points, choices = 0, [0]
        for one in selected.selections:
            if isinstance(one, FragmentSpreadNode):
                fragment = self._fragments[one.name.value]
                points += self.of(fragment.selection_set, self._named(fragment.type_condition), nodes)
            elif isinstance(one, InlineFragmentNode):
                choices.append(self.of(one.selection_set, self._named(one.type_condition), nodes))
            elif isinstance(one, FieldNode):
                points += self._field(one, parent) * (nodes if one.name.value in ("nodes", "edges") else 1)
        return points + max(choices)

    def _field(self, field: FieldNode, parent: GraphQLObjectType) -> int:
        type_ = get_named_type(parent.fields[field.name.value].type)
        if is_leaf_type(type_):
            return 0
        assert field.selection_set is not None
        told = {one.name.value: value_from_ast_untyped(one.value, self._variables) for one in field.arguments or ()}
        if type_.name.endswith("Connection"):
            return 2 + self.of(field.selection_set, type_, told["first"])
        one = 1 + self.of(field.selection_set, type_)
        return one * (len(told["ids"]) if "ids" in told else told.get("first", 1))

    def _named(self, condition: Any) -> Any:
        return self._schema.get_type(condition.name.value)
