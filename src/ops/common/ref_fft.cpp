#include "ops/common/ref_fft.h"

#include <algorithm>
#include <numbers>

namespace tenon::ops {
namespace {

constexpr size_t kLargestFactor = 31;  // a factor costs its square; from here on a chirp is quicker

std::vector<size_t> factors_of(size_t n) {
  std::vector<size_t> out;
  for (; n % 4 == 0; n /= 4) out.push_back(4);
  for (size_t p = 2; p * p <= n; ++p) {
    for (; n % p == 0; n /= p) out.push_back(p);
  }
  if (n > 1) out.push_back(n);
  return out;
}

// exp(-pi i * numerator / n), the angle reduced in integers.
Fft::Complex root(size_t numerator, size_t n) {
  return std::polar(
      1.0, -std::numbers::pi * static_cast<double>(numerator % (2 * n)) / static_cast<double>(n));
}

Fft::Complex product(const Fft::Complex& a, const Fft::Complex& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

Fft::Fft(size_t n) : n_(n), factors_(factors_of(n)) {
  if (!factors_.empty() && *std::max_element(factors_.begin(), factors_.end()) > kLargestFactor) {
    size_t width = 1;
    while (width < 2 * n - 1) width *= 2;
    wide_ = std::make_unique<Fft>(width);
    chirp_.resize(n);
    // k * k, counted up modulo 2 n.
    for (size_t k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), ++k)
      chirp_[k] = root(square, n);
    std::vector<Complex> filter(width);
    for (size_t k = 0; k < n; ++k)
      filter[k] = filter[k == 0 ? 0 : width - k] = std::conj(chirp_[k]);
    filter_.resize(width);
    wide_->forward(filter, filter_);
    padded_.resize(width);
    spectrum_.resize(width);
    return;
  }
  roots_.resize(n);
  for (size_t k = 0; k < n; ++k) roots_[k] = root(2 * k, n);
}

Fft::~Fft() = default;

// The transforms of every p-th element, p times, make the whole: decimation in time.
void Fft::step(const Complex* from, Complex* to, size_t n, size_t stride, size_t level) {
  if (n == 1) {
    *to = *from;
    return;
  }
  const size_t p = factors_[level], m = n / p;
  for (size_t r = 0; r < p; ++r) step(from + r * stride, to + r * m, m, stride * p, level + 1);
  Complex part[kLargestFactor];
  for (size_t k = 0; k < m; ++k) {
    part[0] = to[k];
    for (size_t r = 1; r < p; ++r) part[r] = product(to[r * m + k], roots_[r * k * stride]);
    if (p == 2) {
      to[k] = part[0] + part[1];
      to[m + k] = part[0] - part[1];
    } else if (p == 4) {
      const Complex even = part[0] + part[2], other = part[0] - part[2], odd = part[1] + part[3],
                    d = part[1] - part[3];
      const Complex turned(d.imag(), -d.real());  // d / i
      to[k] = even + odd;
      to[m + k] = other + turned;
      to[2 * m + k] = even - odd;
      to[3 * m + k] = other - turned;
    } else {
      const size_t turn = n_ / p;
      for (size_t q = 0; q < p; ++q) {
        Complex sum = part[0];
        for (size_t r = 1; r < p; ++r) sum += product(part[r], roots_[r * q % p * turn]);
        to[q * m + k] = sum;
      }
    }
  }
}

// j k = (j^2 + k^2 - (j - k)^2) / 2: a convolution with a chirp.
void Fft::chirp(std::span<const Complex> from, std::span<Complex> to) {
  std::fill(padded_.begin(), padded_.end(), Complex());
  for (size_t k = 0; k < n_; ++k) padded_[k] = product(from[k], chirp_[k]);
  wide_->forward(padded_, spectrum_);
  for (size_t k = 0; k < spectrum_.size(); ++k) spectrum_[k] = product(spectrum_[k], filter_[k]);
  wide_->inverse(spectrum_, padded_);
  for (size_t k = 0; k < n_; ++k) to[k] = product(padded_[k], chirp_[k]);
}

void Fft::forward(std::span<const Complex> from, std::span<Complex> to) {
  if (n_ == 0) return;
  if (wide_)
    chirp(from, to);
  else
    step(from.data(), to.data(), n_, 1, 0);
}

// conj(forward(conj(x))) / n
void Fft::inverse(std::span<const Complex> from, std::span<Complex> to) {
  turned_.assign(from.begin(), from.end());
  for (Complex& z : turned_) z = std::conj(z);
  forward(turned_, to);
  for (Complex& z : to) z = std::conj(z) / static_cast<double>(n_);
}

}  // namespace tenon::ops
