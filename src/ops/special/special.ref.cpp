#include "ops/special/special.h"

#include "ops/common/ref.h"
#include "ops/special/gamma.h"

namespace tenon::ops {
namespace {

double log_of_gamma(double x) { return std::lgamma(x); }

struct OfOne {
  std::string_view name;
  double (*run)(double);
};
constexpr OfOne kOfOne[] = {
    {"lgamma", log_of_gamma},
    {"digamma", [](double x) { return special::digamma(x); }},
    {"trigamma", [](double x) { return special::trigamma(x); }},
    {"erfinv", [](double x) { return special::erfinv(x); }},
    {"erfcx", [](double x) { return special::erfcx(x); }},
    {"ndtr", [](double x) { return special::ndtr(x); }},
    {"log_ndtr", [](double x) { return special::log_ndtr(x); }},
    {"ndtri", [](double x) { return special::ndtri(x); }},
    {"airy_ai", [](double x) { return special::airy_ai(x); }},
    {"i0", [](double x) { return special::i0(x); }},
    {"i0e", [](double x) { return special::i0e(x); }},
    {"i1", [](double x) { return special::i1(x); }},
    {"i1e", [](double x) { return special::i1e(x); }},
    {"k0", [](double x) { return special::k0(x); }},
    {"k0e", [](double x) { return special::k0e(x); }},
    {"k1", [](double x) { return special::k1(x); }},
    {"k1e", [](double x) { return special::k1e(x); }},
    {"j0", [](double x) { return special::j0(x); }},
    {"j1", [](double x) { return special::j1(x); }},
    {"y0", [](double x) { return special::y0(x); }},
    {"y1", [](double x) { return special::y1(x); }},
    {"spherical_j0", [](double x) { return special::spherical_j0(x); }},
};

struct OfTwo {
  std::string_view name;
  double (*run)(double, double);
};
constexpr OfTwo kOfTwo[] = {
    {"zeta", special::zeta}, {"igamma", special::igamma}, {"igammac", special::igammac}};

Status run_special(RefContext& c) {
  const std::string function = c.as<Special>().function;
  for (const OfOne& one : kOfOne) {
    if (one.name == function) return map_elements<double>(c, one.run);
  }
  for (const OfTwo& two : kOfTwo) {
    if (two.name == function && c.has(1))
      return map_broadcast<double>(c, c.input(0).dtype(), two.run);
  }
  return c.fail("there is no function '" + function + "'");
}

}  // namespace

std::span<const RefKernel> special_ref() {
  static constexpr RefKernel kernels[] = {
      {.name = Special::kName, .run = run_special, .domain = Special::kDomain}};
  return kernels;
}

}  // namespace tenon::ops
