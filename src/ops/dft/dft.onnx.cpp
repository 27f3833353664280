#include "ops/dft/dft.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "onnx/mapping.h"
#include "ops/transpose/transpose.h"

namespace tenon::ops {
namespace dft_mapping {

constexpr int64_t kLargestTable = int64_t{1} << 24;  // elements

// The axis is an attribute until opset 19, by default the first behind the batch.
Result<onnx::Values> read_dft(onnx::ImportContext& c) {
  if (c.opset < 20) {
    const int64_t axis = c.take<int64_t>("axis").value_or(1);
    c.resize(3);
    c.inputs[2] = c.b.scalar_int(axis);
  }
  return c.emit<DFT>();
}

struct Transform {
  DFT op;
  int64_t axis = 0, size = 0, parts = 1;  // of the input
  int64_t length = 0;
  int64_t given() const {
    return std::min(size, op.onesided && op.inverse ? length / 2 + 1 : length);
  }
  int64_t results() const { return op.onesided && !op.inverse ? length / 2 + 1 : length; }
  int64_t result_parts() const { return op.onesided && op.inverse ? 1 : 2; }
};

// The matrix that a row of (element, part) is multiplied by to give a row of (result, part).
Tensor table(const Transform& t, DType type) {
  const int64_t n = t.length, width = t.results() * t.result_parts();
  std::vector<double> out(static_cast<size_t>(t.given() * t.parts * width));
  for (int64_t j = 0; j < t.given(); ++j) {
    // Of a one-sided spectrum all elements stand for two, but the first and the middle one.
    const bool twice = t.op.onesided && t.op.inverse && j != 0 && 2 * j != n;
    const double scale = (t.op.inverse ? 1 / static_cast<double>(n) : 1) * (twice ? 2 : 1);
    for (int64_t k = 0; k < t.results(); ++k) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
      const double re = scale * std::cos(angle),
                   im = scale * std::sin(angle) * (t.op.inverse ? 1 : -1);
      double* real_row = out.data() + j * t.parts * width + k * t.result_parts();
      real_row[0] = re;
      if (t.result_parts() == 2) real_row[1] = im;
      if (t.parts == 1) continue;
      real_row[width] = -im;
      if (t.result_parts() == 2) real_row[width + 1] = re;
    }
  }
  const Dims shape{t.given() * t.parts, width};
  if (type == DType::f64) return Tensor::of<double>(type, shape, out);
  const std::vector<float> narrow(out.begin(), out.end());
  return Tensor::of<float>(DType::f32, shape, narrow);
}

// A product with a matrix of cosines and sines, for transforms of constant length.
Status write_product(onnx::ExportContext& c, const Transform& t) {
  ir::Builder& b = c.b;
  const ir::Shape dims = *c.input(0)->shape();
  const DType wide = c.input(0)->dtype() == DType::f64 ? DType::f64 : DType::f32;
  ir::Value* x = b.cast(c.input(0), wide);
  if (t.given() < t.size)
    x = b.emit_named("Slice", {x, b.ints({0}), b.ints({t.given()}), b.ints({t.axis}), b.ints({1})});
  // The axis goes to the end, before the parts, and back.
  const auto rank = static_cast<int64_t>(dims.size());
  Transpose forth, back;
  forth.perm.emplace();
  for (int64_t i = 0; i + 1 < rank; ++i) {
    if (i != t.axis) forth.perm->push_back(i);
  }
  forth.perm->insert(forth.perm->end(), {t.axis, rank - 1});
  back.perm.emplace(dims.size());
  for (size_t i = 0; i < dims.size(); ++i)
    (*back.perm)[static_cast<size_t>((*forth.perm)[i])] = static_cast<int64_t>(i);
  const bool moves = t.axis != rank - 2;
  if (moves) x = b.emit(forth, {x});
  ir::Shape rows;
  for (int64_t i = 0; i + 2 < rank; ++i)
    rows.push_back(dims[static_cast<size_t>((*forth.perm)[static_cast<size_t>(i)])]);
  auto reshaped = [&](ir::Value* value, std::initializer_list<int64_t> last) {
    ir::Shape to = rows;
    for (int64_t size : last) to.emplace_back(size);
    return b.emit_with("Reshape", {{"allowzero", int64_t{0}}}, {value, b.shape(to)});
  };
  x = reshaped(x, {t.given() * t.parts});
  x = b.emit_named("MatMul", {x, b.constant(table(t, wide))});
  x = reshaped(x, {t.results(), t.result_parts()});
  if (moves) x = b.emit(back, {x});
  return c.replace({b.cast(x, c.input(0)->dtype())});
}

Status write_dft(onnx::ExportContext& c) {
  if (c.opset >= 20) return {};
  const DFT op = c.as<DFT>();
  const bool named = c.opset >= 17 && !(op.onesided && op.inverse);
  const int appears = op.onesided && op.inverse ? 20 : 17;
  const auto& dims = c.input(0)->shape();
  const auto given = c.has(2) ? c.constant_ints(2) : std::vector<int64_t>{-2};
  if (!dims || !given || given->size() != 1)
    return c.fail("its axis is computed when the model runs, here it must be constant", 20);
  const auto rank = static_cast<int64_t>(dims->size());
  const int64_t axis = (*given)[0] < 0 ? (*given)[0] + rank : (*given)[0];
  if (named) {
    c.set_attribute("axis", axis);
    c.set_inputs(c.has(1) ? onnx::Values{c.input(0), c.input(1)} : onnx::Values{c.input(0)});
    return {};
  }
  const auto size = (*dims)[static_cast<size_t>(axis)].constant(), parts = dims->back().constant();
  Transform t{op, axis, size.value_or(0), parts.value_or(0), 0};
  if (size) t.length = op.onesided && op.inverse ? 2 * (*size - 1) : *size;
  if (c.has(1)) {
    const auto length = c.constant_ints(1);
    t.length = length && length->size() == 1 ? (*length)[0] : 0;
  }
  if (!size || !parts || t.length < 1)
    return c.fail("a transform whose length is known only when the model runs", appears);
  if (t.given() * t.parts > kLargestTable / (t.results() * t.result_parts()))
    return c.fail("a transform of this length as a product of matrices is too large", appears);
  return write_product(c, t);
}

}  // namespace dft_mapping

std::span<const onnx::Mapping> dft_onnx() {
  static constexpr onnx::Mapping rows[] = {
      onnx::plain<DFT>({.read = dft_mapping::read_dft, .write = dft_mapping::write_dft})};
  return rows;
}

}  // namespace tenon::ops
