#include "ops/non_max_suppression/non_max_suppression.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

struct Box {
  float x1, y1, x2, y2;
  float area() const { return (x2 - x1) * (y2 - y1); }
};

// In single precision, as PyTorch and ONNX Runtime compute it: which boxes are kept depends on it.
std::vector<Box> boxes_of(std::span<const float> v, bool centred) {
  std::vector<Box> out(v.size() / 4);
  for (size_t i = 0; i < out.size(); ++i) {
    const float a = v[4 * i], b = v[4 * i + 1], c = v[4 * i + 2], d = v[4 * i + 3];
    if (centred)
      out[i] = {a - c / 2, b - d / 2, a + c / 2, b + d / 2};
    else
      out[i] = {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
  }
  return out;
}

bool overlap(const Box& a, const Box& b, float threshold) {
  const float width = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
  const float height = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const float common = width * height;
  return common / (a.area() + b.area() - common) > threshold;
}

Status run_non_max_suppression(RefContext& c) {
  TRY(need_computable(c));
  const Tensor &boxes = c.input(0), &scores = c.input(1);
  if (boxes.shape().size() != 3 || scores.shape().size() != 3 || boxes.shape()[2] != 4 ||
      boxes.shape()[0] != scores.shape()[0] || boxes.shape()[1] != scores.shape()[2])
    return c.fail("boxes and scores do not fit each other");
  auto number = [&](size_t i, double otherwise) {
    return c.has(i) && c.input(i).count() > 0 ? elements<double>(c.input(i))[0] : otherwise;
  };
  const double most = number(2, 0), least_score = number(4, -HUGE_VAL);
  const auto threshold = static_cast<float>(number(3, 0));
  const auto all = elements<float>(boxes), score = elements<float>(scores);
  const auto count = static_cast<size_t>(boxes.shape()[1]);
  std::vector<int64_t> selected;
  for (int64_t n = 0; n < boxes.shape()[0]; ++n) {
    const auto of_image =
        boxes_of(std::span(all).subspan(static_cast<size_t>(n) * count * 4, count * 4),
                 c.as<NonMaxSuppression>().center_point_box == 1);
    for (int64_t k = 0; k < scores.shape()[1]; ++k) {
      const float* s = score.data() + static_cast<size_t>(n * scores.shape()[1] + k) * count;
      std::vector<size_t> order;
      for (size_t i = 0; i < count; ++i) {
        if (!c.has(4) || static_cast<double>(s[i]) > least_score) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return s[i] > s[j]; });
      std::vector<size_t> kept;
      for (const size_t i : order) {
        if (static_cast<double>(kept.size()) >= most) break;
        if (std::any_of(kept.begin(), kept.end(),
                        [&](size_t j) { return overlap(of_image[j], of_image[i], threshold); }))
          continue;
        kept.push_back(i);
        selected.insert(selected.end(), {n, k, static_cast<int64_t>(i)});
      }
    }
  }
  c.outputs[0] =
      from_elements<int64_t>(DType::i64, {static_cast<int64_t>(selected.size() / 3), 3}, selected);
  return {};
}

}  // namespace

std::span<const RefKernel> non_max_suppression_ref() {
  static constexpr RefKernel kernels[] = {kernel<NonMaxSuppression>(run_non_max_suppression)};
  return kernels;
}

}  // namespace tenon::ops
