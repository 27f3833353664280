// A tensor as PyTorch's pickles describe it: a window into a storage.
#pragma once

#include <string>
#include <vector>

#include "archive/blob.h"
#include "archive/pickle.h"
#include "tenon/tensor.h"

namespace tenon::archive {

// Of a quantized tensor: real = scale * (stored - zero_point), per tensor or along one axis.
struct Quantizer {
  std::vector<double> scales;
  std::vector<double> zero_points;  // whole numbers, but for per_channel_affine_float_qparams
  int64_t axis = -1;                // -1: one scale for the whole tensor
  // Tensors that hold the two above, where they are not yet read (TorchArchive::tensor does).
  const pickle::Value* scale_tensor = nullptr;
  const pickle::Value* zero_point_tensor = nullptr;
};

struct StoredTensor {
  std::string storage_key;  // name of the storage's entry, "data/0"; equal keys are the same memory
  Blob storage;             // all of the storage's bytes; 0 where only the tensor's form was saved
  int64_t storage_count = 0;  // elements of the storage
  DType dtype = DType::undefined;
  int64_t offset = 0;  // in elements, as are the strides
  Dims sizes, strides;
  bool requires_grad = false;
  bool parameter = false;  // made by torch.nn.Parameter
  bool big_endian = false;
  std::string device = {};                // where it was saved, "cpu", "cuda:0"
  std::vector<Quantizer> quantizer = {};  // at most one

  // Traced example inputs are saved without their values.
  bool has_values() const { return storage.size > 0 || storage_count == 0; }
  bool contiguous() const;
};

// All elements of a tensor of numbers as doubles; fails for other types.
Result<std::vector<double>> numbers_of(const StoredTensor& tensor, const Where& where);
// The values, C-contiguous and little-endian; shares the storage where it is that already.
Result<Tensor> materialize(const StoredTensor& tensor, const Where& where);

// A storage as a persistent id names it: ('storage', type, key, location, number of elements).
struct StorageId {
  DType dtype = DType::undefined;  // u8 for an untyped storage
  std::string key;
  std::string location;
  int64_t count = 0;
};
Result<StorageId> storage_id(const pickle::Value& value, const Where& where);

// Whether the value is a call that rebuilds a tensor or a parameter.
bool is_tensor(const pickle::Value& value);
// Everything about the tensor but its storage's bytes; storage_key is the bare key. Checks that the
// window lies inside the storage.
Result<StoredTensor> describe_tensor(const pickle::Value& value, const Where& where);

// "FloatStorage" or "float32" to f32; undefined where unknown. c10 names ("Half", "QInt8") are
// taken too.
DType dtype_of_torch_name(std::string_view name);

}  // namespace tenon::archive
