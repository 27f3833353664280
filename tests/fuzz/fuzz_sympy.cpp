// Symbolic sizes, as SymPy prints them.
#include <string_view>

#include "torch/exported/sympy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto expr =
      tenon::torch::exported::parse_sympy({reinterpret_cast<const char*>(data), size});
  if (!expr) return 0;
  (void)expr->str();
  if (const auto dim = tenon::torch::exported::to_dim(*expr)) {
    (void)dim->str();
    (void)dim->evaluate({{"s0", 17}, {"s1", 5}});
  }
  return 0;
}
