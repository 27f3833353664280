// Asks what a release of TensorRT takes of a model as it would be written for it.
#pragma once

#include <optional>

#include "api/tables.h"
#include "ir/graph.h"
#include "targets/tensorrt/release.h"

namespace tenon::api {

struct TensorrtVerdict {
  int opset = 0;                 // that the model was lowered to
  std::optional<Error> refusal;  // everything that cannot be written or is not taken
  // What DLA leaves to the GPU, where that was asked and nothing is refused: of each kind one, with
  // its number and the first one's place.
  std::vector<Error> dla_fallbacks;
  size_t nodes = 0, on_gpu = 0;
};
// Opset 0 is the newest at which all of it is taken: an older one may write with other operators
// what the release has no operator for. Where there is none, the newest that the parser takes is
// judged, to which a newer one that is asked for is brought down as well.
Result<TensorrtVerdict> judge(const ir::Graph& graph, const tensorrt::Release& release, int opset,
                              bool dla, const Tables& tables);

}  // namespace tenon::api
