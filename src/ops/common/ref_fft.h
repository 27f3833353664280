// The discrete Fourier transform of any length, in double, in n log n steps.
#pragma once

#include <complex>
#include <memory>
#include <span>
#include <vector>

namespace tenon::ops {

class Fft {
 public:
  explicit Fft(size_t n);
  ~Fft();
  Fft(const Fft&) = delete;
  Fft& operator=(const Fft&) = delete;
  using Complex = std::complex<double>;
  size_t size() const { return n_; }
  // sum over k of x[k] * exp(-2 pi i j k / n), for every j; to and from different memory.
  void forward(std::span<const Complex> from, std::span<Complex> to);
  // The same with the other sign, over n.
  void inverse(std::span<const Complex> from, std::span<Complex> to);

 private:
  void step(const Complex* from, Complex* to, size_t n, size_t stride, size_t level);
  void chirp(std::span<const Complex> from, std::span<Complex> to);

  size_t n_;
  std::vector<size_t> factors_;  // of n, where all are small
  std::vector<Complex> roots_;   // exp(-2 pi i k / n)
  std::vector<Complex> turned_;  // scratch of the inverse
  // Where a factor is large: Bluestein's convolution, by a transform of a power of two.
  std::unique_ptr<Fft> wide_;
  std::vector<Complex> chirp_, filter_, padded_, spectrum_;
};

}  // namespace tenon::ops
