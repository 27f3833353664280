// Winograd F(4x4, 3x3) convolution over channel-blocked tensors: a quarter of the multiplications.
//
// Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015): each 6x6 tile of the
// input and each 3x3 filter are transformed to 36 points, multiplied point by point as matrices
// over channels, and transformed back to 4x4 outputs. Weights in our layout depend on the channels
// and the block only, so they serve every image size, batch and number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenon::ops::winograd {

inline constexpr int64_t kPoints = 36;
inline constexpr int64_t kTile = 4;  // outputs of a tile along each axis

struct Problem {
  int64_t batch, in_blocks, out_blocks, block;
  int64_t height, width;  // of the input
  int64_t out_height, out_width;
  int64_t pad_top, pad_left;
  int64_t tiles_y, tiles_x;
  // After the product: + bias[channel] + residual, then clipped to [low, high].
  bool residual;
  float low, high;

  int64_t tiles() const { return batch * tiles_y * tiles_x; }
  int64_t in_channels() const { return in_blocks * block; }
  int64_t out_channels() const { return out_blocks * block; }
};

// Floats from one point to the next, for `tiles` tiles of `channels`: not a power of two, so that
// the 36 streams do not fall on the same cache sets.
inline int64_t point_stride(int64_t tiles, int64_t channels) { return tiles * channels + 16; }

// Channel blocks of the output that one product computes together.
inline constexpr int64_t kPanel = 4;

// weights[o][i][3][3] -> U[point][panel][i][kPanel * block], padded with zeros.
void transform_weights(const float* weights, int64_t out, int64_t in, const Problem& p, float* u);
inline int64_t weight_floats(const Problem& p) {
  return kPoints * p.in_channels() * p.out_channels();
}

// weights[o][i][3][3] -> W[panel][i][9][kPanel * block]: as large as the weights themselves, for
// transform_panel().
void pack_weights(const float* weights, int64_t out, int64_t in, const Problem& p, float* packed);
inline int64_t packed_floats(const Problem& p) { return 9 * p.in_channels() * p.out_channels(); }
// Input channels [i, i + n) of one panel of W, `width` wide -> U[point][n][width], points
// point_stride(n, width) apart.
void transform_panel(const float* packed, int64_t i, int64_t n, int64_t width, float* u);

// Tiles [first, first + count), input blocks [b0, b1) -> V[point][tile - first][channel].
void transform_input(const Problem& p, const float* x, int64_t first, int64_t count, int64_t b0,
                     int64_t b1, float* v);

// Row-major matrices, each point's at `point_stride` from the one before.
struct Points {
  int64_t row = 0;    // floats from one row to the next
  int64_t point = 0;  // and from one point to the next
};
// For every point: M[tile][0, width) (+)= V[tile][0, depth) * U[0, depth)[0, width).
void multiply(const float* v, Points vs, const float* u, Points us, int64_t tiles, int64_t depth,
              int64_t width, float* m, Points ms, bool accumulate);

// M, which begins with block b0 -> outputs of blocks [b0, b1).
void transform_output(const Problem& p, const float* m, Points ms, int64_t first, int64_t count,
                      int64_t b0, int64_t b1, const float* bias, const float* residual, float* y);

}  // namespace tenon::ops::winograd
