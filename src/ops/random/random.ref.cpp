#include "ops/random/random.h"

#include <bit>
#include <mutex>
#include <random>

#include "ops/common/ref.h"

namespace tenon::ops {
namespace {

using Generator = std::mt19937_64;

// A seed of a node gives it the same numbers each time; others follow one another from where the
// system's source of randomness began.
Generator generator(std::optional<float> seed) {
  if (seed) return Generator(std::bit_cast<uint32_t>(*seed));
  static std::mutex mutex;
  static Generator seeds = [] {
    std::random_device device;
    std::seed_seq words{device(), device(), device(), device()};
    return Generator(words);
  }();
  const std::scoped_lock lock(mutex);
  return Generator(seeds());
}

// How many bits a uniform number of a type has, so that it is below 1 as stored.
int digits(DType type) {
  switch (type) {
    case DType::f64:
      return 53;
    case DType::f32:
      return 24;
    case DType::f16:
      return 11;
    default:
      return 8;  // bf16
  }
}

double unit(Generator& random, int bits) {
  return std::ldexp(static_cast<double>(random() >> (64 - bits)), -bits);
}

Status fill_uniform(RefContext& c, const Dims& shape, DType type, std::optional<float> seed,
                    double low, double high) {
  TRY(check_size(c, type, shape));
  Generator random = generator(seed);
  std::vector<double> out(static_cast<size_t>(element_count(shape)));
  for (double& v : out) {
    v = low + (high - low) * unit(random, digits(type));
    // Rounding to f32 must not reach the upper end.
    if (type == DType::f32 && static_cast<float>(v) >= static_cast<float>(high) && low < high)
      v = static_cast<double>(std::nextafter(static_cast<float>(high), static_cast<float>(low)));
  }
  c.outputs[0] = from_elements<double>(type, shape, out);
  return {};
}

Status fill_normal(RefContext& c, const Dims& shape, DType type, std::optional<float> seed,
                   double mean, double scale) {
  TRY(check_size(c, type, shape));
  Generator random = generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(static_cast<size_t>(element_count(shape)));
  for (double& v : out) v = mean + scale * normal(random);
  c.outputs[0] = from_elements<double>(type, shape, out);
  return {};
}

Status run_uniform(RefContext& c) {
  const auto op = c.as<RandomUniform>();
  return fill_uniform(c, op.shape, static_cast<DType>(op.dtype), op.seed, op.low, op.high);
}
Status run_uniform_like(RefContext& c) {
  const auto op = c.as<RandomUniformLike>();
  const DType type = op.dtype ? static_cast<DType>(*op.dtype) : c.input(0).dtype();
  return fill_uniform(c, c.input(0).shape(), type, op.seed, op.low, op.high);
}
Status run_normal(RefContext& c) {
  const auto op = c.as<RandomNormal>();
  return fill_normal(c, op.shape, static_cast<DType>(op.dtype), op.seed, op.mean, op.scale);
}
Status run_normal_like(RefContext& c) {
  const auto op = c.as<RandomNormalLike>();
  const DType type = op.dtype ? static_cast<DType>(*op.dtype) : c.input(0).dtype();
  return fill_normal(c, c.input(0).shape(), type, op.seed, op.mean, op.scale);
}

Status run_bernoulli(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Bernoulli>();
  Generator random = generator(op.seed);
  std::vector<double> p = elements<double>(c.input(0));
  for (double& v : p) {
    if (!(v >= 0 && v <= 1)) return c.fail(fmt::format("{} is no probability", v));
    v = unit(random, 53) < v ? 1 : 0;
  }
  const DType type = op.dtype ? static_cast<DType>(*op.dtype) : c.input(0).dtype();
  c.outputs[0] = from_elements<double>(type, c.input(0).shape(), p);
  return {};
}

Status run_multinomial(RefContext& c) {
  TRY(need_computable(c));
  const auto op = c.as<Multinomial>();
  const Dims& shape = c.input(0).shape();
  if (shape.size() != 2) return c.fail("its input is no [batch, classes]");
  const Dims drawn{shape[0], op.sample_size};
  TRY(check_size(c, DType::i64, drawn));
  if (shape[1] == 0 && element_count(drawn) > 0) return c.fail("there is no class to draw");
  Generator random = generator(op.seed);
  const std::vector<double> logs = elements<double>(c.input(0));
  std::vector<int64_t> out;
  out.reserve(static_cast<size_t>(element_count(drawn)));
  for (int64_t row = 0; row < shape[0]; ++row) {
    const auto own =
        std::span(logs).subspan(static_cast<size_t>(row * shape[1]), static_cast<size_t>(shape[1]));
    const double most = own.empty() ? 0 : *std::max_element(own.begin(), own.end());
    std::vector<double> weights;
    for (const double v : own) weights.push_back(std::exp(v - most));
    if (!std::isfinite(std::accumulate(weights.begin(), weights.end(), 0.0)))
      return c.fail("the probabilities of a row have no finite sum above 0");
    std::discrete_distribution<int64_t> pick(weights.begin(), weights.end());
    for (int64_t i = 0; i < op.sample_size; ++i) out.push_back(pick(random));
  }
  c.outputs[0] = from_elements<int64_t>(static_cast<DType>(op.dtype), drawn, out);
  return {};
}

}  // namespace

std::span<const RefKernel> random_ref() {
  static constexpr RefKernel kernels[] = {
      kernel<RandomUniform>(run_uniform), kernel<RandomUniformLike>(run_uniform_like),
      kernel<RandomNormal>(run_normal),   kernel<RandomNormalLike>(run_normal_like),
      kernel<Bernoulli>(run_bernoulli),   kernel<Multinomial>(run_multinomial),
  };
  return kernels;
}

}  // namespace tenon::ops
