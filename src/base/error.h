// Helpers to make and pass on errors. TRY is the project's one macro: the language has no operator
// for it.
#pragma once

#include <fmt/format.h>

#include "tenon/error.h"

namespace tenon {

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

// Fills the parts of `where` that the error does not know yet.
Error with_where(Error error, const Where& where);

// The exit status of the command line for this kind of error.
int exit_status(ErrorKind kind);

}  // namespace tenon

// Evaluates to the value of a Result, or returns its error from the enclosing function.
#define TRY(...)                                                              \
  __extension__({                                                             \
    auto try_result_ = (__VA_ARGS__);                                         \
    if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
    tenon::try_detail::take(std::move(try_result_));                          \
  })

namespace tenon::try_detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Status&&) {}
}  // namespace tenon::try_detail
