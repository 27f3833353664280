#include "targets/cpu/indices.h"

#include <fmt/format.h>

namespace tenon::cpu {

std::unexpected<Error> outside(std::string_view op, int64_t index, int64_t size) {
  return fail({.kind = ErrorKind::usage,
               .what = fmt::format("{} cannot be computed", op),
               .where = {},
               .why = fmt::format("index {} is outside an axis of size {}", index, size),
               .hint = "check the values and shapes of the inputs"});
}

}  // namespace tenon::cpu
