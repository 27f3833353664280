// A chain of Reshape, Flatten, Squeeze, Unsqueeze and Transpose as one rearrangement: the source's
// axes split into factors, the factors permuted, and grouped into the result's axes.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace tenon::passes {

struct Rearrangement {
  std::optional<ir::Shape> split;            // reshape to this first
  std::optional<std::vector<int64_t>> perm;  // then transpose
  std::optional<ir::Shape> joined;           // then reshape to this
  size_t steps() const { return (split ? 1u : 0u) + (perm ? 1u : 0u) + (joined ? 1u : 0u); }
};

bool is_view(const ir::Node* node);

// The rearrangement that the views ending in `last` make of `source`; nullopt where sizes do not
// factor. `views` are in order.
std::optional<Rearrangement> compose(const ir::Shape& source,
                                     const std::vector<const ir::Node*>& views);

// One element of an axis of such a view, as a part of the source, rearranged: where the axis is
// made of the leading factor of one of the source's.
struct Selection {
  size_t axis = 0;  // of the source
  int64_t start = 0, length = 0;
  Rearrangement rearrangement;  // of that part
};
std::optional<Selection> select(const ir::Shape& source, const std::vector<const ir::Node*>& views,
                                size_t axis, int64_t index);

}  // namespace tenon::passes
