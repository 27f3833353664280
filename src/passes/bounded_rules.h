// The rules of bound_sizes, by what they are about, and what they share.
#pragma once

#include <span>

#include "passes/bounded_walk.h"

namespace tenon::passes {

struct BoundedRow {
  std::string_view op;
  BoundedRule rule;
};
// bounded_elements.cpp: what is computed element by element or row by row, and other forms of
// values.
std::span<const BoundedRow> rules_of_elements();
Status elementwise(BoundedWalk& w, ir::Node& node);
// bounded_places.cpp: rows that are looked up, written, cut and put together by their places.
std::span<const BoundedRow> rules_of_places();
// bounded_axes.cpp: what takes all rows of an axis together.
std::span<const BoundedRow> rules_along_axes();
// bounded_makers.cpp: what has results of a size that the data decides.
std::span<const BoundedRow> rules_of_makers();

Status need_rank(BoundedWalk& w, ir::Node& node, size_t input);
// An axis of the first input.
Result<size_t> axis_of(BoundedWalk& w, ir::Node& node, int64_t axis);
void set_if_new(ir::Node& node, size_t input, ir::Value* value);
// The node stays, with another input.
Status keep_with(BoundedWalk& w, ir::Node& node, size_t input, ir::Value* value);

}  // namespace tenon::passes
