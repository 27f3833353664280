// Asks what a release of TensorRT takes of a model as it would be written for it.
#pragma once

#include <optional>

#include "api/tables.h"
#include "ir/graph.h"
#include "passes/bounded_sizes.h"
#include "targets/tensorrt/release.h"

namespace tenon::api {

struct TensorrtVerdict {
  int opset = 0;                 // that the model was lowered to
  std::optional<Error> refusal;  // everything that cannot be written or is not taken
  // What DLA leaves to the GPU, where that was asked and nothing is refused: of each kind one, with
  // its number and the first one's place.
  std::vector<Error> dla_fallbacks;
  size_t nodes = 0, on_gpu = 0;
  // The canonical graph with fixed sizes in the place of those that the data decides, where the
  // release takes that and not the model as it is; and what its outputs are then.
  std::unique_ptr<ir::Graph> bounded;
  std::vector<passes::BoundedOutput> bounded_outputs;
};
// Opset 0 is the newest at which all of it is taken: an older one may write with other operators
// what the release has no operator for. Where there is none, the newest that the parser takes is
// judged, to which a newer one that is asked for is brought down as well.
Result<TensorrtVerdict> judge(const ir::Graph& graph, const tensorrt::Release& release, int opset,
                              bool dla, const Tables& tables);

// Says otherwise what the release refuses in one form and takes in another, in a canonical graph.
// Compositions keep the types that they find: what has to stay in fp32 in a model of lower
// precision must have been decided before.
Status rewrite_for_tensorrt(ir::Graph& graph, const tensorrt::Release& release,
                            const Tables& tables);

}  // namespace tenon::api
