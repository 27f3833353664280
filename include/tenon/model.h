// A model that was read from a file: PyTorch's (.pt, .pt2) or ONNX.
//
//   tenon::Result<tenon::Model> model = tenon::Model::load("resnet18.pt");
//   if (!model) std::cerr << model.error().message();
//   model->write_onnx("resnet18.onnx", 17);
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tenon/error.h"
#include "tenon/tensor.h"

namespace tenon {

// What is known of an input or output before anything runs.
struct ValueInfo {
  std::string name;
  DType dtype = DType::undefined;
  std::vector<std::string> shape;  // "3", or the name of a size that varies: "batch"
};

struct ModelOptions {
  // As on the command line: "image:1x3x224x224", "ids[batch=1..8,seq=1..512]:i64". May be left out
  // where the file records shapes.
  std::string shapes, dynamic;
  std::map<std::string, std::string> settings;  // Python arguments that are no tensors
  std::vector<std::string> input_names, output_names;
};

namespace detail {
struct ModelState;
}

class Model {
 public:
  // Weights stay mapped in the file, which must not change as long as the model lives.
  static Result<Model> load(const std::string& path, const ModelOptions& options = {});

  // The file appears whole or not at all; opsets are 11 to the newest.
  Status write_onnx(const std::string& path, int opset = 17) const;

  std::vector<ValueInfo> inputs() const;
  std::vector<ValueInfo> outputs() const;
  // What its user should know of how the file was read.
  std::vector<std::string> notices() const;

 private:
  friend class Engine;
  explicit Model(std::shared_ptr<const detail::ModelState> state) : state_(std::move(state)) {}
  std::shared_ptr<const detail::ModelState> state_;
};

}  // namespace tenon
