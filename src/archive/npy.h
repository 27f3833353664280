// NumPy's array files: .npy holds one array, .npz is a zip archive of them.
// Format: numpy/lib/format.py, versions 1.0 to 3.0.
//
// Read: bool, integers of 8 to 64 bits, f16, f32, f64, complex, either byte order, C or Fortran
// order. NumPy has no bfloat16: ml_dtypes writes it with the type "V2" (two raw bytes), so V2 is
// read as bf16 and bf16 is written as V2. In NumPy: `np.load(f)["x"].view(ml_dtypes.bfloat16)`.
// Types that NumPy cannot hold (8-bit floats, packed 4-bit integers, strings) are refused.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "archive/blob.h"
#include "base/error.h"
#include "tenon/tensor.h"

namespace tenon::archive {

Result<Tensor> parse_npy(const Blob& file, const Where& where);
Result<Tensor> read_npy(const std::string& path);
Status write_npy(const std::string& path, const Tensor& tensor);

// In the archive's order, which is the order of writing; names come without ".npy".
Result<std::vector<NamedTensor>> read_npz(const std::string& path);
// The same from bytes already at hand; `path` is only used in errors.
Result<std::vector<NamedTensor>> parse_npz(const Blob& file, const std::string& path);
// Reproducible: the same tensors give the same bytes. Names must be distinct.
Status write_npz(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace tenon::archive
