// From any file that holds a model to a graph.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/tables.h"
#include "archive/detect.h"
#include "torch/import.h"

namespace tenon::api {

struct LoadOptions {
  torch::ImportOptions import = {};
  // Inputs of a run: where neither the options nor the file say the shapes, theirs are taken.
  std::vector<NamedTensor> examples = {};
};

struct Loaded {
  archive::FileKind kind = archive::FileKind::unknown;
  std::unique_ptr<ir::Graph> graph;
  std::vector<torch::Notice> notices;
  std::vector<torch::Notice> suspicions = {};  // torch::Imported
};

// Takes PyTorch's files and ONNX; weights stay mapped. Says of other files what they are and what
// to do about it.
Result<Loaded> load_graph(const std::string& path, const LoadOptions& options,
                          const Tables& tables);

}  // namespace tenon::api
