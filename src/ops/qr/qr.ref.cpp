#include "ops/qr/qr.h"

#include "ops/common/ref_matrix.h"

namespace tenon::ops {
namespace ref_qr {

using namespace ref_matrix;

Status run_qr(RefContext& c) {
  Stack a = TRY(stack_input(c, 0));
  const Index k = std::min(a.rows, a.columns);
  Stack tau = TRY(stack_like(c, a, 1, k));
  for (int64_t i = 0; i < a.count && k > 0; ++i) {
    const Eigen::HouseholderQR<Matrix> qr(a[i]);
    a[i] = qr.matrixQR();
    tau[i] = qr.hCoeffs().transpose();
  }
  c.outputs[0] = to_tensor(a, c.input(0).dtype());
  c.outputs[1] = per_matrix<double>(a, {k}, c.input(0).dtype(), tau.values);
  return {};
}

Status run_product(RefContext& c) {
  Stack a = TRY(stack_input(c, 0));
  const Dims& tau_dims = c.input(1).shape();
  const std::vector<double> tau = elements<double>(c.input(1));
  const Index k = tau_dims.empty() ? 0 : tau_dims.back();
  if (tau_dims.size() != a.batch.size() + 1 ||
      static_cast<int64_t>(tau.size()) != a.count * k || k > a.columns || a.columns > a.rows)
    return c.fail("the reflectors do not fit");
  Stack q = TRY(stack_like(c, a, a.rows, a.columns));
  for (int64_t i = 0; i < a.count; ++i) {
    auto out = q[i];
    out.setIdentity();
    // From the last to the first, so that the product grows from the right.
    for (Index j = k; j-- > 0;) {
      Vector v = a[i].col(j).tail(a.rows - j);
      v[0] = 1;
      auto part = out.bottomRows(a.rows - j);
      const Eigen::RowVectorXd along = v.transpose() * part;
      part.noalias() -= tau[static_cast<size_t>(i * k + j)] * v * along;
    }
  }
  c.outputs[0] = to_tensor(q, c.input(0).dtype());
  return {};
}

}  // namespace ref_qr

std::span<const RefKernel> qr_ref() {
  using namespace ref_qr;
  static constexpr RefKernel kernels[] = {matrix_kernel<QR>(run_qr),
                                          matrix_kernel<HouseholderProduct>(run_product)};
  return kernels;
}

}  // namespace tenon::ops
