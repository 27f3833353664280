// Tensors of a model file: every encoding that ONNX has for their elements.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mapped_file.h"
#include "onnx/proto.h"
#include "tenon/tensor.h"

namespace tenon::onnx {

// Where the bytes of a model live, and the files beside it that its tensors may name.
class TensorSource {
 public:
  // `owner` keeps the model's bytes alive. `model_path` is empty for models in memory, which can
  // have no external data.
  TensorSource(std::shared_ptr<const std::byte> owner, std::string model_path, bool mapped)
      : owner_(std::move(owner)), path_(std::move(model_path)), mapped_(mapped) {}

  // Shares the model's bytes where they are aligned for their type; copies them where not, and lets
  // go of the mapped pages, so that memory holds them once.
  Result<Tensor> decode(const proto::Tensor& tensor);

 private:
  Result<Tensor> external(const proto::Tensor& tensor, DType dtype, Dims dims);
  Result<const MappedFile*> file(std::string_view location);
  Tensor share(DType dtype, Dims dims, std::shared_ptr<const std::byte> bytes, bool mapped) const;

  std::shared_ptr<const std::byte> owner_;
  std::string path_;
  bool mapped_ = false;
  std::map<std::string, MappedFile, std::less<>> files_;
};

}  // namespace tenon::onnx
