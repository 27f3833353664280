#include "ops/ctc_loss/ctc_loss.h"

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

constexpr double kNever = -HUGE_VAL;  // the logarithm of probability 0

double log_sum(std::initializer_list<double> terms) {
  const double largest = std::max(terms);
  if (largest == kNever) return kNever;
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - largest);
  return largest + std::log(sum);
}

// One sample: its labels, and the log probability of class k at time t.
struct Sample {
  std::span<const int64_t> labels;
  int64_t blank = 0, times = 0;
  std::span<const double> log_probs;
  int64_t time_stride = 0, offset = 0;

  // The labels with blanks around each.
  int64_t state(int64_t s) const { return s % 2 == 0 ? blank : labels[static_cast<size_t>(s / 2)]; }
  double at(int64_t t, int64_t k) const {
    return log_probs[static_cast<size_t>(t * time_stride + offset + k)];
  }
};

// Fills in log alpha, the log probability of all ways to be in state s at time t.
double likelihood(const Sample& one, std::span<double> alpha, int64_t width) {
  const auto labels = static_cast<int64_t>(one.labels.size());
  if (one.times == 0) return labels == 0 ? 0 : kNever;
  auto a = [&](int64_t t, int64_t s) -> double& {
    return alpha[static_cast<size_t>(t * width + s)];
  };
  a(0, 0) = one.at(0, one.blank);
  if (labels > 0) a(0, 1) = one.at(0, one.state(1));
  for (int64_t t = 1; t < one.times; ++t) {
    for (int64_t s = 0; s <= 2 * labels; ++s) {
      const bool may_skip = s > 1 && one.state(s - 2) != one.state(s);
      a(t, s) = log_sum({a(t - 1, s), s > 0 ? a(t - 1, s - 1) : kNever,
                         may_skip ? a(t - 1, s - 2) : kNever}) +
                one.at(t, one.state(s));
    }
  }
  const int64_t last = one.times - 1;
  return log_sum({a(last, 2 * labels), labels > 0 ? a(last, 2 * labels - 1) : kNever});
}

Status run_ctc_loss(RefContext& c) {
  TRY(need_computable(c));
  const Dims& dims = c.input(0).shape();
  if (dims.size() != 3) return c.fail("the log probabilities are no [T, N, C]");
  const int64_t times = dims[0], samples = dims[1], classes = dims[2];
  const auto targets = TRY(integer_input(c, 1)), input_lengths = TRY(integer_input(c, 2)),
             target_lengths = TRY(integer_input(c, 3));
  if (static_cast<int64_t>(input_lengths.size()) != samples ||
      static_cast<int64_t>(target_lengths.size()) != samples)
    return c.fail("there is not one length for each sample");
  const Dims& rows = c.input(1).shape();
  const bool in_rows = rows.size() == 2;
  int64_t longest = 0;
  for (const int64_t length : target_lengths) longest = std::max(longest, length);
  const int64_t width = 2 * longest + 1, blank = c.as<CTCLoss>().blank;
  if (blank < 0 || blank >= classes) return c.fail("the blank is none of the classes");
  TRY(check_size(c, DType::f64, Dims{samples, times, width}));
  const std::vector<double> log_probs = elements<double>(c.input(0));
  std::vector<double> losses, alpha(static_cast<size_t>(samples * times * width), kNever);
  int64_t next = 0;
  for (int64_t n = 0; n < samples; ++n) {
    const auto i = static_cast<size_t>(n);
    const int64_t from = in_rows ? n * rows[1] : next, length = target_lengths[i];
    next += length;
    if (length < 0 || input_lengths[i] < 0 || input_lengths[i] > times ||
        (in_rows && length > rows[1]) || from + length > static_cast<int64_t>(targets.size()))
      return c.fail("a length is out of range");
    const Sample one{
        std::span(targets).subspan(static_cast<size_t>(from), static_cast<size_t>(length)),
        blank,
        input_lengths[i],
        log_probs,
        samples * classes,
        n * classes};
    for (const int64_t label : one.labels) {
      if (label < 0 || label >= classes) return c.fail("a label is none of the classes");
    }
    const std::span<double> own = std::span(alpha).subspan(static_cast<size_t>(n * times * width),
                                                           static_cast<size_t>(times * width));
    losses.push_back(-likelihood(one, own, width));
  }
  c.outputs[0] = from_elements<double>(c.input(0).dtype(), {samples}, losses);
  if (c.outputs.size() > 1)
    c.outputs[1] = from_elements<double>(c.input(0).dtype(), {samples, times, width}, alpha);
  return {};
}

}  // namespace

std::span<const RefKernel> ctc_loss_ref() {
  static constexpr RefKernel kernels[] = {
      {.name = CTCLoss::kName, .run = run_ctc_loss, .domain = CTCLoss::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
